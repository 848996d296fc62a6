"""Files that people filled in with a spreadsheet program: read, and every mistake told with its place."""
