-- audit() -> what does not fit together, in a word, or ''.
return fault()
