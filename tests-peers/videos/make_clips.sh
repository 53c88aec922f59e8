#!/usr/bin/env bash
# Makes the videos that tests play, with ffmpeg alone.
#   make_clips.sh FOLDER
# A frame counter in the picture and a beep every second make seeking and synchronism checkable by eye and by machine.
# shellcheck disable=SC2046 # What picture and audio print are words.
set -euo pipefail
mkdir -p "$1"
cd "$1"

ffmpeg=(ffmpeg -nostdin -hide_banner -loglevel error -y)
# picture SIZE RATE SECONDS and audio SECONDS [HERTZ] are inputs.
picture() { echo "-f lavfi -i testsrc2=size=$1:rate=$2:duration=$3"; }
audio() { echo "-f lavfi -i sine=frequency=${2:-440}:beep_factor=4:sample_rate=48000:duration=$1"; }
small=320x240
x264_any=(-c:v libx264 -preset veryfast -pix_fmt yuv420p)
x264=("${x264_any[@]}" -g 48 -keyint_min 48 -sc_threshold 0)
aac=(-c:a aac -b:a 96k -ac 2)

# make NAME ARGUMENT…: what ffmpeg is to write under this name.
make() {
    local name=$1
    shift
    "${ffmpeg[@]}" "$@" "$name"
}

# The two that most tests use. B-frames need an edit list; the index stands first, or last.
make talk.mp4 $(picture 640x360 24 60) $(audio 60) "${x264[@]}" -bf 2 -b:v 700k "${aac[@]}" -shortest -movflags +faststart
make talk_moov_end.mp4 -i talk.mp4 -c copy
make brief.mp4 -i talk.mp4 -c copy -t 20 -movflags +faststart
make brief_moov_end.mp4 -i brief.mp4 -c copy

# Pictures: how key frames lie, and how long frames last.
make no_b_frames.mp4 $(picture $small 25 20) $(audio 20) "${x264[@]}" -profile:v baseline -bf 0 "${aac[@]}" -shortest
make open_gop.mp4 $(picture $small 25 40) $(audio 40) "${x264_any[@]}" -g 250 -bf 3 -x264-params open-gop=1:scenecut=40 "${aac[@]}" -shortest
make one_key_frame.mp4 $(picture $small 25 40) $(audio 40) "${x264_any[@]}" -g 9999 -keyint_min 9999 -sc_threshold 0 "${aac[@]}" -shortest
make all_key_frames.mp4 $(picture $small 25 10) "${x264_any[@]}" -g 1
make uneven_frames.mp4 $(picture $small 30 20) $(audio 20) -vf "select='not(mod(n\,3))+lt(mod(n\,90)\,30)'" -vsync vfr "${x264[@]}" -bf 2 "${aac[@]}" -shortest
make ntsc.mp4 $(picture $small 30000/1001 20) $(audio 20) "${x264[@]}" -bf 2 "${aac[@]}" -ar 44100 -shortest
make rotated.mp4 -i talk.mp4 -c copy -t 10 -metadata:s:v:0 rotate=90
make portrait.mp4 $(picture 360x640 25 10) "${x264[@]}" -vf setsar=4/3
# Shorter than a segment.
make short.mp4 $(picture 160x120 25 0.2) $(audio 0.2) "${x264[@]}" "${aac[@]}" -shortest

# Other kinds of picture and audio.
make hevc_hvc1.mp4 $(picture $small 25 12) $(audio 12) -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=50 -tag:v hvc1 "${aac[@]}" -shortest
make hevc_hev1.mp4 -i hevc_hvc1.mp4 -c copy -tag:v hev1
make vp9_opus.mp4 $(picture $small 25 12) $(audio 12) -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 50 -c:a libopus -b:a 64k -shortest
make vp9_opus.webm -i vp9_opus.mp4 -c copy
SVT_LOG=0 make av1_opus.mp4 $(picture $small 25 12) $(audio 12) -c:v libsvtav1 -preset 12 -g 50 -c:a libopus -b:a 64k -shortest
make high_422_10.mp4 $(picture $small 25 6) -c:v libx264 -preset ultrafast -pix_fmt yuv422p10le
# Brightness of other screens: said by the sample entry, and by the parameter sets alone.
bt2020=colorprim=bt2020:colormatrix=bt2020nc
make hdr_pq.mp4 $(picture $small 25 12) -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -tag:v hvc1 \
    -x265-params "log-level=none:keyint=50:transfer=smpte2084:$bt2020" -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc
make hdr_hlg.mp4 $(picture $small 25 12) "${x264_any[@]}" -g 50 -pix_fmt yuv420p10le \
    -x264-params "transfer=arib-std-b67:$bt2020" -movflags -write_colr
# The same for browsers, as long as other videos that play in them.
make hdr_vp9.mp4 $(picture $small 25 60) $(audio 60) -c:v libvpx-vp9 -profile:v 2 -pix_fmt yuv420p10le -deadline realtime -cpu-used 8 \
    -b:v 300k -g 50 -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc "${aac[@]}" -shortest -movflags +faststart
make ac3.mp4 -i brief.mp4 -map 0:v -map 0:a -map 0:a -c:v copy -c:a:0 aac -c:a:1 ac3 -ac:a:1 6
make mp3.mp4 -i brief.mp4 -c:v copy -c:a libmp3lame
make pcm.mov -i brief.mp4 -c:v copy -c:a pcm_s16le -t 10

# Tracks: several, few, late, cut off in the middle of a group of pictures.
make three_audio_tracks.mp4 -i brief.mp4 $(audio 20 660) $(audio 20 880) -map 0:v -map 0:a -map 1 -map 2 -c:v copy -c:a aac -b:a 64k \
    -metadata:s:a:0 language=eng -metadata:s:a:1 language=slv -metadata:s:a:2 language=deu -disposition:a:0 default -shortest
printf '1\n00:00:01,000 --> 00:00:04,000\nHello & <i>world</i>\n\n2\n00:00:10,500 --> 00:00:15,000\nSecond cue\nline two\n' >subtitles.srt
make subtitles.mp4 -i brief.mp4 -i subtitles.srt -map 0 -map 1 -map 1 -c:v copy -c:a copy -c:s mov_text \
    -metadata:s:s:0 language=eng -metadata:s:s:1 language=slv
make audio_only.m4a -i brief.mp4 -vn -c copy
make picture_only.mp4 -i brief.mp4 -an -c copy
make late_audio.mp4 -i talk.mp4 -itsoffset 0.7 -i talk.mp4 -map 0:v -map 1:a -c copy -t 20
make trimmed.mp4 -ss 3.3 -i talk.mp4 -c copy -t 20

make roles.mp4 -i brief.mp4 $(audio 20 660) $(audio 20 880) -i subtitles.srt -map 0:v -map 1:a -map 0:a -map 2:a -map 3 -map 3 -map 3 \
    -c:v copy -c:a aac -b:a 64k -c:s mov_text -metadata:s:a language=eng -metadata:s:s language=eng -shortest \
    -disposition:a:0 visual_impaired+descriptions -disposition:a:1 default -disposition:a:2 comment \
    -disposition:s:0 forced -disposition:s:1 hearing_impaired+captions -disposition:s:2 0
# HE-AAC as its configuration says it behind that of AAC-LC. No encoder here writes it: the flag is set afterwards.
make he_aac.m4a $(audio 20) -c:a aac -b:a 48k -ac 2 -ar 24000
LC_ALL=C sed -i 's/\x13\x10\x56\xe5\x00/\x13\x10\x56\xe5\x98/' he_aac.m4a

# Containers.
make fragmented.mp4 -i brief.mp4 -c copy -movflags +frag_keyframe+empty_moov+default_base_moof
make fragmented_sidx.mp4 -i brief.mp4 -c copy -movflags +cmaf+global_sidx+dash
make encrypted.mp4 -i brief.mp4 -c copy -t 10 -encryption_scheme cenc-aes-ctr \
    -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8
make old.flv -i brief.mp4 -c copy
make song.mp3 $(audio 20) -c:a libmp3lame
cp brief.mp4 'name with spaces é.mp4'

# A set: the same video in two renditions, key frames at the same times, and subtitles beside it.
cp talk.mp4 set.mp4
make set.240p.mp4 -i talk.mp4 -vf scale=426:240 "${x264[@]}" -bf 2 -b:v 200k -c:a copy -movflags +faststart
cp subtitles.srt set.en.srt
printf '{"renditions":[{"file":"hdr_vp9.mp4","label":"hdr"},{"file":"talk.mp4","label":"sdr"}]}' >hdr.video.json
