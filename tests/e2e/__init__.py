"""The pages in a real Chromium, before the real stack; a package, so that the stack ends here."""
