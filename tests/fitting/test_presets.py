import pytest

from tweenfield import (
    FitConfig,
    LeaveOut,
    Recipe,
    SirenConfig,
    UsageError,
    draft,
    paper,
    paper_experiments,
    replace,
    standard,
)
from tweenfield.fitting.presets import RECIPES, preset, preset_names


def test_paper_holds_the_settings_of_the_results_table():
    recipe = paper()
    assert (recipe.field.depth, recipe.field.width, recipe.field.omega) == (6, 720, 25.0)
    assert (recipe.fit.learning_rate, recipe.fit.epochs, recipe.objective.weight) == (3.6e-5, 15000, 0.12)


def test_paper_experiments_holds_the_settings_of_the_experiments():
    recipe = paper_experiments()
    assert (recipe.field.depth, recipe.field.width, recipe.field.omega) == (9, 512, 30.0)
    assert (recipe.fit.learning_rate, recipe.fit.epochs, recipe.objective.weight) == (1e-5, 5000, 0.12)


def test_a_recipe_calls_itself_by_its_preset_and_its_field():
    for field, recipes in RECIPES.items():
        for name, recipe in recipes.items():
            assert (recipe.name, recipe.field.name) == (name, field)


def test_a_preset_is_for_the_first_field_that_has_it():
    assert {name: preset(name).field.name for name in preset_names()} == {
        "draft": "transport",
        "standard": "transport",
        "paper": "siren",
        "paper-experiments": "siren",
    }


def test_an_objective_refuses_a_field_that_it_cannot_fit():
    with pytest.raises(ValueError, match="leave-out fits the weights of transport, not siren"):
        Recipe(name="x", field=SirenConfig(), objective=LeaveOut(), fit=FitConfig(steps=1))


def test_replace_changes_the_named_settings_and_no_other():
    recipe = replace(paper(), width=256, weight=0.5, steps=1000, seed=3)
    assert (recipe.field.width, recipe.objective.weight, recipe.fit.steps, recipe.fit.seed) == (
        256,
        0.5,
        1000,
        3,
    )
    assert recipe.fit.epochs is None  # steps take their place
    assert replace(recipe, width=720, weight=0.12, epochs=15000, seed=0) == paper()


def test_replace_changes_the_teacher_where_that_is_meant():
    recipe = replace(standard("patches"), seed=5, steps=7, width=9)
    assert recipe.teacher == replace(standard("transport"), seed=5)
    assert replace(recipe, teacher=None).teacher is None
    assert replace(standard(), seed=5).teacher is None


@pytest.mark.parametrize("preset", [draft, standard])
@pytest.mark.parametrize("field", ["transport", "patches", "siren"])
def test_draft_and_standard_are_there_for_each_field(preset, field):
    assert preset(field).field.name == field
    assert preset() == preset("transport")


@pytest.mark.parametrize(("preset", "field"), [(draft, "sirene"), (paper, "transport")])
def test_a_field_that_a_preset_does_not_know_is_refused(preset, field):
    with pytest.raises(UsageError, match=f"no field '{field}'"):
        preset(field)


def test_an_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="no preset 'best'; use draft, standard, paper, paper-experiments"):
        preset("best")


@pytest.mark.parametrize("setting", ["hidden", "crops", "side"])
def test_hiding_nothing_is_refused(setting):
    with pytest.raises(ValueError, match=f"leave-out: {setting} is 0"):
        LeaveOut(**{setting: 0})


@pytest.mark.parametrize("changes", [{"wdth": 3}, {"width": -1}, {"weight": 2.0}, {"steps": 0}])
def test_replace_refuses_what_makes_no_sense(changes):
    with pytest.raises(UsageError, match=r"no setting|must"):
        replace(draft(), **changes)
