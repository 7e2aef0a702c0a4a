//! Does the whole program keep its promises, from the outside?

mod support;
mod tidy;
