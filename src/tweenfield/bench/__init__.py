"""The paper's tables and figures, and every baseline, on published data sets or on any folder of clips."""
