//! Reads the `onMetaData` of an flv object. Its values are hints: those that cannot be read are left out.

/// The values of interest, as the object has them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Script {
    pub width: Option<f64>,
    pub height: Option<f64>,
    pub frame_rate: Option<f64>,
    pub sample_rate: Option<f64>,
}

/// Nesting depth up to which objects are read.
const DEPTH_MAX: usize = 8;

/// The level being read: an object's fields, or an array with so many values left.
enum Level {
    Fields,
    Array(u32),
}

impl Script {
    /// Reads the body of a script tag in AMF0, as far as it is there; returns `None` if it is not `onMetaData`.
    pub fn read(body: &[u8]) -> Option<Script> {
        let mut reader = Reader { rest: body };
        if reader.take(1)? != [2] || reader.text()? != b"onMetaData" {
            return None;
        }
        let mut script = Script::default();
        let mut levels = Vec::new();
        reader.value(b"", &mut levels, &mut script)?;
        while script.step(&mut reader, &mut levels).is_some() {}
        Some(script)
    }

    /// Reads one field, or one value of an array; returns `None` at the end.
    fn step(&mut self, reader: &mut Reader<'_>, levels: &mut Vec<Level>) -> Option<()> {
        let name = match levels.last_mut()? {
            Level::Array(0) => {
                levels.pop();
                return Some(());
            }
            Level::Array(count) => {
                *count -= 1;
                b"".as_slice()
            }
            Level::Fields => {
                let name = reader.text()?;
                if name.is_empty() && reader.rest.first() == Some(&9) {
                    reader.take(1)?;
                    levels.pop();
                    return Some(());
                }
                if levels.len() == 1 { name } else { b"" }
            }
        };
        reader.value(name, levels, self)
    }

    fn found(&mut self, name: &[u8], value: f64) {
        let place = match name {
            b"width" => &mut self.width,
            b"height" => &mut self.height,
            b"framerate" => &mut self.frame_rate,
            b"audiosamplerate" => &mut self.sample_rate,
            _ => return,
        };
        *place = (value.is_finite() && value > 0.0).then_some(value);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn long(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let size = self.take(2)?;
        self.take(usize::from(u16::from_be_bytes(size.try_into().ok()?)))
    }

    /// Skips one value, or enters it.
    fn value(&mut self, name: &[u8], levels: &mut Vec<Level>, script: &mut Script) -> Option<()> {
        match self.take(1)? {
            [0] => {
                let bytes = self.take(8)?;
                script.found(name, f64::from_be_bytes(bytes.try_into().ok()?));
            }
            [1] => drop(self.take(1)?),
            [2] => drop(self.text()?),
            [3] => levels.push(Level::Fields),
            [5 | 6] => {}
            [7] => drop(self.take(2)?),
            [8] => {
                self.take(4)?;
                levels.push(Level::Fields);
            }
            [10] => levels.push(Level::Array(self.long()?)),
            [11] => drop(self.take(10)?),
            [12] => {
                let size_bytes = self.long()?;
                self.take(usize::try_from(size_bytes).ok()?)?;
            }
            _ => return None,
        }
        (levels.len() <= DEPTH_MAX).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str, value: f64) -> Vec<u8> {
        let mut field = (name.len() as u16).to_be_bytes().to_vec();
        field.extend(name.as_bytes());
        field.push(0);
        field.extend(value.to_be_bytes());
        field
    }

    fn body(fields: &[Vec<u8>]) -> Vec<u8> {
        let mut body = b"\x02\0\x0aonMetaData\x08\0\0\0\x09".to_vec();
        body.extend(fields.concat());
        body.extend([0, 0, 9]);
        body
    }

    #[test]
    fn what_is_no_metadata_says_nothing() {
        for bytes in [
            b"".as_slice(),
            b"\x02\0\x09onCuePoin\x08",
            b"\0\0\0",
            b"\x02",
        ] {
            assert_eq!(Script::read(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn values_are_found_between_all_others() {
        let others: [&[u8]; 8] = [
            b"\0\x01a\x01\x01",
            b"\0\x01b\x02\0\x03xyz",
            b"\0\x01c\x05",
            b"\0\x01d\x07\0\x01",
            b"\0\x01e\x0b\0\0\0\0\0\0\0\0\0\0",
            b"\0\x01f\x0c\0\0\0\x02xy",
            b"\0\x01g\x03\0\x05width\0\x40\0\0\0\0\0\0\0\0\0\x09",
            b"\0\x01h\x0a\0\0\0\x02\x05\x03\0\0\x09",
        ];
        let mut fields = vec![number("height", 360.0), number("framerate", f64::NAN)];
        fields.extend(others.map(<[u8]>::to_vec));
        fields.push(number("width", 640.0));
        let whole = body(&fields);
        let script = Script::read(&whole).unwrap();
        assert_eq!(
            (script.width, script.height, script.frame_rate),
            (Some(640.0), Some(360.0), None)
        );
        for size in 14..whole.len() {
            let cut = Script::read(&whole[..size]).unwrap_or_default();
            assert!(cut.width.is_none() || size >= whole.len() - 3);
        }
    }

    #[test]
    fn nothing_is_followed_too_deep() {
        let mut fields = vec![number("width", 1.0)];
        fields.extend(vec![b"\0\x01a\x03".to_vec(); 1_000]);
        fields.push(number("width", 2.0));
        assert_eq!(Script::read(&body(&fields)).unwrap().width, Some(1.0));
    }
}
