"""Text in, text out: edits, imports, layout. Pure; reads no file, starts nothing."""
