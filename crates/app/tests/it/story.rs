//! Does the whole pipeline keep its promises whatever a source does?
