//! A film as RTMP sends it: messages of sound and picture in the order of their times, of mp4, flv and mp3 objects.
