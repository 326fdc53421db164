// Typesets what pymdownx.arithmatex marks: <div class="arithmatex">\[...\]</div>, <span class="arithmatex">\(...\)</span>.
for (const element of document.querySelectorAll(".arithmatex")) {
  const source = element.textContent.trim();
  katex.render(source.slice(2, -2), element, { displayMode: source.startsWith("\\["), throwOnError: false });
}
