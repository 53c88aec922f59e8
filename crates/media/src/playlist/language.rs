//! Languages: mp4 has ISO 639-2 codes, playlists need BCP 47 tags, and viewers want names.

use std::borrow::Cow;

/// Size limit of a tag (RFC 5646 4.4.1).
const TAG_SIZE_BYTES_MAX: usize = 35;

/// Returns the BCP 47 tag of a language; `None` if it is undetermined or no tag at all.
///
/// If a language has a code of two letters, the tag begins with it (RFC 5646 2.2.1).
pub(super) fn language_tag(language: &str) -> Option<Cow<'_, str>> {
    let is_tag = (2..=TAG_SIZE_BYTES_MAX).contains(&language.len())
        && language.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if !is_tag || matches!(language, "und" | "mul" | "mis" | "zxx") {
        return None;
    }
    let (primary, rest) = match language.split_once('-') {
        Some((primary, rest)) => (primary, Some(rest)),
        None => (language, None),
    };
    Some(match (entry(primary), rest) {
        (Some((short, _)), None) => Cow::Borrowed(short),
        (Some((short, _)), Some(rest)) => Cow::Owned(format!("{short}-{rest}")),
        (None, _) => Cow::Borrowed(language),
    })
}

/// Returns the English name of a tag's language.
pub(super) fn language_name(tag: &str) -> Option<&'static str> {
    let primary = tag.split('-').next().unwrap_or(tag);
    entry(primary).map(|(_, name)| name)
}

/// Returns the code of two letters and the name.
fn entry(primary: &str) -> Option<(&'static str, &'static str)> {
    LANGUAGES.split(';').find_map(|entry| {
        let (long, rest) = entry.split_once(' ')?;
        let (short, name) = rest.split_once(' ')?;
        let is_it = long.eq_ignore_ascii_case(primary) || short.eq_ignore_ascii_case(primary);
        is_it.then_some((short, name))
    })
}

/// ISO 639-2 code, ISO 639-1 code and name of each language that has both; languages with a second, bibliographic code
/// are repeated at the end.
const LANGUAGES: &str = "\
aar aa Afar;abk ab Abkhazian;afr af Afrikaans;aka ak Akan;amh am Amharic;ara ar Arabic;arg an Aragonese;\
asm as Assamese;ava av Avaric;ave ae Avestan;aym ay Aymara;aze az Azerbaijani;bak ba Bashkir;bam bm Bambara;\
bel be Belarusian;ben bn Bengali;bih bh Bihari languages;bis bi Bislama;bod bo Tibetan;bos bs Bosnian;\
bre br Breton;bul bg Bulgarian;cat ca Catalan;ces cs Czech;cha ch Chamorro;che ce Chechen;chu cu Church Slavic;\
chv cv Chuvash;cor kw Cornish;cos co Corsican;cre cr Cree;cym cy Welsh;dan da Danish;deu de German;\
div dv Divehi;dzo dz Dzongkha;ell el Greek;eng en English;epo eo Esperanto;est et Estonian;eus eu Basque;\
ewe ee Ewe;fao fo Faroese;fas fa Persian;fij fj Fijian;fin fi Finnish;fra fr French;fry fy Western Frisian;\
ful ff Fulah;gla gd Gaelic;gle ga Irish;glg gl Galician;glv gv Manx;grn gn Guarani;guj gu Gujarati;\
hat ht Haitian;hau ha Hausa;heb he Hebrew;her hz Herero;hin hi Hindi;hmo ho Hiri Motu;hrv hr Croatian;\
hun hu Hungarian;hye hy Armenian;ibo ig Igbo;ido io Ido;iii ii Sichuan Yi;iku iu Inuktitut;ile ie Interlingue;\
ina ia Interlingua;ind id Indonesian;ipk ik Inupiaq;isl is Icelandic;ita it Italian;jav jv Javanese;\
jpn ja Japanese;kal kl Kalaallisut;kan kn Kannada;kas ks Kashmiri;kat ka Georgian;kau kr Kanuri;kaz kk Kazakh;\
khm km Central Khmer;kik ki Kikuyu;kin rw Kinyarwanda;kir ky Kirghiz;kom kv Komi;kon kg Kongo;kor ko Korean;\
kua kj Kuanyama;kur ku Kurdish;lao lo Lao;lat la Latin;lav lv Latvian;lim li Limburgan;lin ln Lingala;\
lit lt Lithuanian;ltz lb Luxembourgish;lub lu Luba-Katanga;lug lg Ganda;mah mh Marshallese;mal ml Malayalam;\
mar mr Marathi;mkd mk Macedonian;mlg mg Malagasy;mlt mt Maltese;mon mn Mongolian;mri mi Maori;msa ms Malay;\
mya my Burmese;nau na Nauru;nav nv Navajo;nbl nr South Ndebele;nde nd North Ndebele;ndo ng Ndonga;nep ne Nepali;\
nld nl Dutch;nno nn Norwegian Nynorsk;nob nb Norwegian Bokmål;nor no Norwegian;nya ny Chichewa;oci oc Occitan;\
oji oj Ojibwa;ori or Oriya;orm om Oromo;oss os Ossetian;pan pa Panjabi;pli pi Pali;pol pl Polish;\
por pt Portuguese;pus ps Pushto;que qu Quechua;roh rm Romansh;ron ro Romanian;run rn Rundi;rus ru Russian;\
sag sg Sango;san sa Sanskrit;sin si Sinhala;slk sk Slovak;slv sl Slovenian;sme se Northern Sami;smo sm Samoan;\
sna sn Shona;snd sd Sindhi;som so Somali;sot st Southern Sotho;spa es Spanish;sqi sq Albanian;srd sc Sardinian;\
srp sr Serbian;ssw ss Swati;sun su Sundanese;swa sw Swahili;swe sv Swedish;tah ty Tahitian;tam ta Tamil;\
tat tt Tatar;tel te Telugu;tgk tg Tajik;tgl tl Tagalog;tha th Thai;tir ti Tigrinya;ton to Tonga;tsn tn Tswana;\
tso ts Tsonga;tuk tk Turkmen;tur tr Turkish;twi tw Twi;uig ug Uighur;ukr uk Ukrainian;urd ur Urdu;uzb uz Uzbek;\
ven ve Venda;vie vi Vietnamese;vol vo Volapük;wln wa Walloon;wol wo Wolof;xho xh Xhosa;yid yi Yiddish;\
yor yo Yoruba;zha za Zhuang;zho zh Chinese;zul zu Zulu;alb sq Albanian;arm hy Armenian;baq eu Basque;\
bur my Burmese;chi zh Chinese;cze cs Czech;dut nl Dutch;fre fr French;geo ka Georgian;ger de German;\
gre el Greek;ice is Icelandic;mac mk Macedonian;mao mi Maori;may ms Malay;per fa Persian;rum ro Romanian;\
slo sk Slovak;tib bo Tibetan;wel cy Welsh";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, tag: Option<&str>, name: Option<&str>) {
        let found = language_tag(language);
        assert_eq!(found.as_deref(), tag, "{language}");
        assert_eq!(
            found.and_then(|tag| language_name(&tag)),
            name,
            "{language}"
        );
    }

    #[test]
    fn what_is_no_language_is_left_out() {
        for language in [
            "",
            "e",
            "und",
            "zxx",
            "mul",
            "en\"",
            "en,US",
            "en-",
            "a-234567890",
            "äöü",
        ] {
            check(language, None, None);
        }
    }

    #[test]
    fn tags_are_as_short_as_they_can_be() {
        check("eng", Some("en"), Some("English"));
        check("ger", Some("de"), Some("German"));
        check("deu", Some("de"), Some("German"));
        check("pt-BR", Some("pt-BR"), Some("Portuguese"));
        check("por-BR", Some("pt-BR"), Some("Portuguese"));
        check("zul", Some("zu"), Some("Zulu"));
        check("zho", Some("zh"), Some("Chinese"));
        check("gsw", Some("gsw"), None);
        check("nob", Some("nb"), Some("Norwegian Bokmål"));
    }
}
