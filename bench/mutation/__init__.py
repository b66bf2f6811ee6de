"""Do the tests bite? Small faults are put into the code, one at a time; a test has to fail."""
