"""Work on many machines: functions and values in, results in the order of their arrival out, by Ray."""
