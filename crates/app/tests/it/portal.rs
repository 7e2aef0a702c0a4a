//! Does the program meet a portal that is there, one that is not, and one that lies, as it promises?
