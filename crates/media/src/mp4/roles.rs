//! Roles of tracks beside their kind: commentary, description, forced subtitles (`kind`, ISO 14496-12 8.10.4).

use super::boxes::{self, Boxes, Fields};

/// The role of a track: those of ISO 23009-1 5.8.5.5 that playlists state to players.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Part of the video as it is meant.
    Main,
    /// Alternative to the main one.
    Alternate,
    /// Supplement to the main one.
    Supplementary,
    /// Comments on the video.
    Commentary,
    /// Speech in another language than the video was made in.
    Dub,
    /// Description of what is seen, for the visually impaired.
    Description,
    /// Text of what is heard, for the hard of hearing.
    Caption,
    /// Speech as text.
    Subtitle,
    /// Text shown to viewers who selected none: of signs and foreign speech.
    ForcedSubtitle,
    /// Sign language.
    Sign,
    /// Speech that is easier to hear.
    EnhancedAudioIntelligibility,
    /// Text that is easier to read.
    EasyReader,
}

impl Role {
    /// All roles, in the order in which playlists state them.
    const ALL: [Role; 12] = [
        Role::Main,
        Role::Alternate,
        Role::Supplementary,
        Role::Commentary,
        Role::Dub,
        Role::Description,
        Role::Caption,
        Role::Subtitle,
        Role::ForcedSubtitle,
        Role::Sign,
        Role::EnhancedAudioIntelligibility,
        Role::EasyReader,
    ];

    /// Returns the value of the role in the scheme `urn:mpeg:dash:role:2011`.
    pub fn value(self) -> &'static str {
        match self {
            Role::Main => "main",
            Role::Alternate => "alternate",
            Role::Supplementary => "supplementary",
            Role::Commentary => "commentary",
            Role::Dub => "dub",
            Role::Description => "description",
            Role::Caption => "caption",
            Role::Subtitle => "subtitle",
            Role::ForcedSubtitle => "forced-subtitle",
            Role::Sign => "sign",
            Role::EnhancedAudioIntelligibility => "enhanced-audio-intelligibility",
            Role::EasyReader => "easyreader",
        }
    }
}

/// The roles of a track: a set, as a track may have several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u16);

impl Roles {
    /// Returns these roles and `role`.
    #[must_use]
    pub fn with(self, role: Role) -> Roles {
        Roles(self.0 | 1 << role as u16)
    }

    /// Returns true if `role` is among them.
    pub fn has(self, role: Role) -> bool {
        self.0 & 1 << role as u16 != 0
    }

    /// Returns each role once, the main one first.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// Returns true if a track is an addition to the video: viewers get it only if they select it.
    pub fn are_beside_the_video(self) -> bool {
        [
            Role::Supplementary,
            Role::Commentary,
            Role::Description,
            Role::Sign,
        ]
        .into_iter()
        .any(|role| self.has(role))
    }

    /// Returns true if audio is for the hard of hearing. Some programs mark it with the role of captions.
    pub(crate) fn are_hard_of_hearing(self) -> bool {
        self.has(Role::EnhancedAudioIntelligibility) || self.has(Role::Caption)
    }

    /// Returns the rank of a video or audio track when the viewer selects none: the lowest is chosen.
    pub(crate) fn lateness(self, is_enabled: bool) -> (bool, bool, bool) {
        let is_special = self.are_beside_the_video() || self.are_hard_of_hearing();
        (is_special, !is_enabled, !self.has(Role::Main))
    }

    /// Reads the user data (`udta`) of a `trak`. Malformed user data is ignored: it must not make the video unplayable.
    pub(super) fn read(track: &[u8]) -> Roles {
        let user_data = boxes::find(track, b"udta").ok().flatten();
        let found = Boxes::new(user_data.unwrap_or_default()).map_while(Result::ok);
        let roles = found.filter_map(|(kind, payload)| match &kind {
            b"kind" => kind_role(payload),
            b"tagc" => tagged_role(payload),
            _ => None,
        });
        roles.fold(Roles::default(), Roles::with)
    }
}

/// Returns the role of a `kind`: a scheme and a value, each terminated by a zero.
fn kind_role(payload: &[u8]) -> Option<Role> {
    let mut fields = Fields::new(payload);
    let _ = fields.version_and_flags()?;
    let mut strings = fields.rest().split(|byte| *byte == 0);
    let scheme = strings.next()?;
    let value = strings.next().unwrap_or_default();
    match scheme {
        b"urn:mpeg:dash:role:2011" => dash_role(value),
        b"about:html-kind" => html_role(value),
        b"urn:tva:metadata:cs:AudioPurposeCS:2007" => audio_purpose(value),
        _ => None,
    }
}

fn dash_role(value: &[u8]) -> Option<Role> {
    match value {
        // The spelling of some programs from before it was in the standard.
        b"forced_subtitle" => Some(Role::ForcedSubtitle),
        value => Role::ALL
            .into_iter()
            .find(|role| role.value().as_bytes() == value),
    }
}

/// Returns the role of a kind of track in HTML ("Media elements").
fn html_role(value: &[u8]) -> Option<Role> {
    match value {
        b"main" => Some(Role::Main),
        b"alternative" => Some(Role::Alternate),
        b"commentary" => Some(Role::Commentary),
        b"translation" => Some(Role::Dub),
        b"descriptions" | b"main-desc" => Some(Role::Description),
        b"captions" => Some(Role::Caption),
        b"subtitles" => Some(Role::Subtitle),
        b"sign" => Some(Role::Sign),
        _ => None,
    }
}

/// Returns the role of TV-Anytime's classification, as ETSI TS 103 285 uses it.
fn audio_purpose(value: &[u8]) -> Option<Role> {
    match value {
        b"1" => Some(Role::Description),
        b"2" => Some(Role::EnhancedAudioIntelligibility),
        b"3" | b"4" => Some(Role::Commentary),
        b"6" => Some(Role::Main),
        _ => None,
    }
}

/// Returns the role of the media characteristic with which Apple's programs tag a track.
fn tagged_role(payload: &[u8]) -> Option<Role> {
    match payload.strip_suffix(b"\0").unwrap_or(payload) {
        b"public.main-program-content" => Some(Role::Main),
        b"public.auxiliary-content" => Some(Role::Supplementary),
        b"public.translation.dubbed" => Some(Role::Dub),
        b"public.accessibility.describes-video" => Some(Role::Description),
        b"public.accessibility.transcribes-spoken-dialog"
        | b"public.accessibility.describes-music-and-sound" => Some(Role::Caption),
        b"public.subtitles.forced-only" => Some(Role::ForcedSubtitle),
        b"public.easy-to-read" => Some(Role::EasyReader),
        _ => None,
    }
}
