//! The walk's steps for films: what is made of them, and lists that are objects themselves.

mod lists;
mod members;
mod object_ask;
mod ready_made;
mod subtitles;
mod walk;

pub(super) use ready_made::{ListAnswer, ReadyMade, is_list, list_without_wish};
pub(super) use walk::FilmWalk;
