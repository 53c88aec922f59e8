//! The walk's steps for videos: what is made of them, and lists that are objects themselves.

mod playlists;
mod members;
mod object_request;
mod ready_made;
mod path_token;
mod subtitles;
mod walk;

pub(super) use ready_made::{PlaylistAnswer, ReadyMade, is_playlist, playlist_without_wish};
pub(super) use walk::VideoWalk;
