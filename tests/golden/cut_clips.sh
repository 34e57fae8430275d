#!/bin/sh
# Cut the golden clips from Debian packages (see clips/ATTRIBUTION.md). Needs dpkg, apt and ffmpeg with libmp3lame.
# Usage: cut_clips.sh WORK_DIR. MP3 encoders differ by version, so the clips in the repository are the reference.
set -eu
work=$1
out=$(cd "$(dirname "$0")/clips" && pwd)
cd "$work"
for package in marsshooter-data singularity-music freecol fretsonfire-songs-sectoid openclonk-data; do
  test -d "$package" || { apt-get download "$package" && dpkg -x "$package"_*.deb "$package"; }
done

# cut NAME START SECONDS RATE CHANNELS KBIT FILE [FILE]
cut() {
  name=$1 start=$2 seconds=$3 rate=$4 channels=$5 kbit=$6
  shift 6
  if [ $# = 2 ]; then
    set -- -i "$1" -i "$2" -filter_complex "amix=inputs=2:normalize=0,volume=0.7"
  else
    set -- -i "$1"
  fi
  ffmpeg -hide_banner -loglevel error -y "$@" -ss "$start" -t "$seconds" -map_metadata -1 -vn \
    -ar "$rate" -ac "$channels" -c:a libmp3lame -b:a "${kbit}k" "$out/$name.mp3"
}

games=usr/share/games
sectoid="fretsonfire-songs-sectoid/$games/fretsonfire/data/songs/sectoid/War of freedom"
cut metal 60 14 44100 2 128 "marsshooter-data/$games/marsshooter/audio/music/01_-_Ezer_Ev.ogg"
cut electronic 90 14 48000 2 128 "singularity-music/$games/singularity/music/Orbital Elevator.ogg"
cut orchestral 40 15 44100 2 112 "freecol/$games/freecol/default/resources/music/default/settlers-routine.ogg"
cut rock 45 13 44100 1 96 "$sectoid/song.ogg" "$sectoid/guitar.ogg"
cut reggae 60 14 22050 2 80 "openclonk-data/$games/openclonk/Music.ocg/IslandDreams.ogg"
cut musicbox 20 13 44100 2 96 "freecol/$games/freecol/default/resources/music/default/musicbox.ogg"
