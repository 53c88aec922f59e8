//! The colours of a sample entry: those that it declares (`colr`, ISO 14496-12 12.1.5), else those of its decoder
//! configuration.

use super::boxes::{Boxes, Fields};
use super::colour::Colour;
use super::dolby_vision::DolbyVision;
use super::{Codec, av1, entry_boxes, parameter_sets};

/// Returns the colours of a video track with this sample entry, a whole box.
pub(super) fn entry_colour(codec: Codec, sample_entry: &[u8]) -> Option<Colour> {
    let inner = entry_boxes::inner_boxes(codec, sample_entry)?;
    let declared = declared(inner);
    let is_said = |colour: &Colour| colour.transfer != Colour::UNSPECIFIED;
    declared
        .filter(is_said)
        .or_else(|| coded(codec, sample_entry).filter(is_said))
        .or_else(|| DolbyVision::of(codec, sample_entry)?.colour())
        .or(declared)
}

/// Returns the code points of the first `colr` that has any: `nclx`, or `nclc` of QuickTime. ICC profiles are ignored.
fn declared(inner: &[u8]) -> Option<Colour> {
    let boxes = Boxes::new(inner).map_while(Result::ok);
    let mut colours = boxes.filter(|(kind, _)| kind == b"colr");
    colours.find_map(|(_, payload)| {
        let mut fields = Fields::new(payload);
        let kind: [u8; 4] = fields.array()?;
        match &kind {
            b"nclx" | b"nclc" => Colour::read(|| fields.u16().map(u32::from)),
            _ => None,
        }
    })
}

/// Returns the colours of the decoder configuration.
fn coded(codec: Codec, sample_entry: &[u8]) -> Option<Colour> {
    let config = |kind| entry_boxes::config(codec, sample_entry, kind);
    match codec {
        Codec::Avc => parameter_sets::avc_colour(config(b"avcC")?),
        Codec::Hevc => parameter_sets::hevc_colour(config(b"hvcC")?),
        Codec::Av1 => av1::colour(config(b"av1C")?),
        Codec::Vp9 => {
            // Version and flags, profile, level and bit depth come first.
            let mut fields = Fields::new(config(b"vpcC")?.get(7..)?);
            Colour::read(|| fields.u8().map(u32::from))
        }
        Codec::Aac
        | Codec::Mp3
        | Codec::Ac3
        | Codec::Eac3
        | Codec::Opus
        | Codec::Flac
        | Codec::Tx3g
        | Codec::WebVtt
        | Codec::Other => None,
    }
}
