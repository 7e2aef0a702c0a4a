//! Does a spool lose nothing, keep its order and its bound, whatever happens to it?
