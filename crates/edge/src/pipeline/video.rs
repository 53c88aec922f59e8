//! The walk's steps for videos: what is made of them, and playlists that are objects themselves.

mod members;
mod object_request;
mod path_token;
mod playlists;
mod ready_made;
mod subtitles;
mod walk;

pub(super) use ready_made::{PlaylistAnswer, ReadyMade, is_playlist, playlist_without_path_token};
pub(super) use walk::VideoWalk;
