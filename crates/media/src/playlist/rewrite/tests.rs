//! Playlists and manifests in the forms of ffmpeg, Shaka Packager, Bento4 and others, and hostile ones.

use super::*;

/// Appends a grant to URIs on this host, as the edge does.
fn grant(uri: &str) -> Option<String> {
    let is_here = !uri.contains("//") || uri.starts_with("https://host/");
    let separator = if uri.contains('?') { '&' } else { '?' };
    is_here.then(|| format!("{uri}{separator}Q"))
}

/// Checks a rewrite: `{?Q}` and `{&Q}` mark the grants of the expected output; without them, the playlist is the input.
fn check_hls(playlist: &str) {
    let plain = playlist.replace("{?Q}", "").replace("{&Q}", "");
    let expected = playlist.replace("{?Q}", "?Q").replace("{&Q}", "&Q");
    assert_eq!(hls(&plain, &mut grant), Ok(expected));
}

fn check_dash(manifest: &str) {
    let plain = manifest.replace("{?Q}", "").replace("{&Q}", "");
    let expected = manifest.replace("{?Q}", "?Q").replace("{&Q}", "&amp;Q");
    assert_eq!(dash(&plain, &mut grant), Ok(expected));
}

fn refused_hls(playlist: &str, refusal: Refusal) {
    assert_eq!(hls(playlist, &mut grant), Err(refusal));
}

fn refused_dash(manifest: &str, refusal: Refusal) {
    assert_eq!(dash(manifest, &mut grant), Err(refusal), "{manifest:.200}");
}

#[test]
fn what_is_no_m3u8_is_refused() {
    let refusal = Refusal::Unsupported("a playlist that does not begin with #EXTM3U");
    for playlist in ["", "segment.ts", "<MPD/>", " #EXTM3U", "#EXTINF:1,\n"] {
        refused_hls(playlist, refusal);
    }
    let large = format!("#EXTM3U{}", "\n".repeat(TEXT_SIZE_BYTES_MAX));
    refused_hls(&large, Refusal::TooLarge("a playlist"));
    let many = format!("#EXTM3U\n{}", "x\n".repeat(100));
    let mut long_grant = |uri: &str| Some(format!("{uri}?{}", "x".repeat(400_000)));
    assert_eq!(
        hls(&many, &mut long_grant),
        Err(Refusal::TooLarge("a playlist with grants"))
    );
}

#[test]
fn lists_of_segments() {
    check_hls(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"init.mp4{?Q}\",BYTERANGE=\"800@0\"\n\
         #EXTINF:6.0,a title, with URI=\"x\"\n#EXT-X-BYTERANGE:100@0\nall.mp4{?Q}\n#EXTINF:6.0,\n/top/2.m4s{?Q}\n#EXTINF:6.0,\n\
         https://host/3.m4s?a=1{&Q}\n#EXTINF:6.0,\nhttps://other/4.m4s\n#EXTINF:6.0,\n//other/5.m4s\n\
         #EXTINF:6.0,\n6.m4s{?Q}#t=1\n# a comment\nhas space.ts{?Q}\n#EXT-X-ENDLIST",
    );
    check_hls("\u{feff}#EXTM3U\r\n#EXTINF:1,\r\n\r\n  a.ts{?Q}  \r\n\t\r\nb.ts{?Q}");
    check_hls("#EXTM3U");
}

#[test]
fn lists_of_variants() {
    check_hls(
        "#EXTM3U\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,URI=\",NAME=\"x, y\",URI=\"audio/a.m3u8{?Q}\",CHANNELS=\"2\"\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"URI\",INSTREAM-ID=\"CC1\"\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8{?Q}\"\n\
         #EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI=\"images.m3u8{?Q}\"\n\
         #EXT-X-PATH_TOKEN-KEY:METHOD=AES-128,URI=\"key?id=1{&Q}\"\n\
         #EXT-X-PATH_TOKEN-DATA:DATA-ID=\"x\",URI=\"data.json{?Q}\"\n\
         #EXT-X-CONTENT-STEERING:SERVER-URI=\"steer{?Q}\",PATHWAY-ID=\"a\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"a,URI=\"\nv/1.m3u8{?Q}\n\
         #EXT-X-UNKNOWN:URI=\"left\"\n",
    );
}

#[test]
fn live_lists_and_keys() {
    check_hls(
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin{?Q}\",IV=0x01\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\"\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AA==\"\n#EXT-X-KEY:METHOD=NONE\n\
         #EXT-X-PART:DURATION=1,INDEPENDENT=YES,URI=\"p1.mp4{?Q}\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p2.mp4{?Q}\"\n\
         #EXT-X-RENDITION-REPORT:URI=\"../b.m3u8{?Q}\",LAST-MSN=1\n\
         #EXT-X-DATERANGE:ID=\"ad\",X-ASSET-URI=\"ad.m3u8{?Q}\",X-COM-URI=\"left\"\n\
         #EXT-X-DEFINE:NAME=\"v\",VALUE=\"1\"\nsegment-{$v}.ts\n#EXT-X-MAP:URI=\"{$base}/init.mp4\"\n",
    );
}

#[test]
fn broken_tags_are_left() {
    check_hls(
        "#EXTM3U\n#EXT-X-MAP:URI=\"open\n#EXT-X-MAP:URI=bare\n#EXT-X-MAP:URI\n#EXT-X-MAP\n#EXT-X-MAP:,,=\"\",URI=\"\"\n",
    );
}

#[test]
fn what_is_written_cannot_leave_its_place() {
    let mut odd = |_: &str| Some("x\"\r\n#EXT-X-KEY".to_owned());
    let expected = "#EXTM3U\n#EXT-X-MAP:URI=\"x%22%0D%0A%23EXT-X-KEY\"\n".to_owned();
    assert_eq!(
        hls("#EXTM3U\n#EXT-X-MAP:URI=\"a\"\n", &mut odd),
        Ok(expected)
    );
    let expected = "<MPD><Location>x%22%0D%0A%23EXT-X-KEY</Location></MPD>".to_owned();
    assert_eq!(
        dash("<MPD><Location>a</Location></MPD>", &mut odd),
        Ok(expected)
    );
}

#[test]
fn what_is_no_manifest_is_refused() {
    let no_manifest = Refusal::Unsupported("a manifest that does not begin with MPD");
    for manifest in [
        "",
        "text",
        "<SmoothStreamingMedia/>",
        "<Period/>",
        "<!-- MPD -->",
    ] {
        refused_dash(manifest, no_manifest);
    }
    let broken = Refusal::Corrupt("a manifest that is not well-formed");
    for manifest in [
        "<MPD>",
        "<MPD></Period>",
        "<MPD",
        "<MPD><SegmentTemplate media=x/></MPD>",
        "<MPD a='></MPD>",
    ] {
        refused_dash(manifest, broken);
    }
    refused_dash(
        "<!DOCTYPE MPD [<!ENTITY a \"aaaa\">]><MPD><BaseURL>&a;</BaseURL></MPD>",
        Refusal::Unsupported("a manifest with a document type"),
    );
    refused_dash(
        "<MPD><Location>&a;</Location></MPD>",
        Refusal::Corrupt("an entity in a manifest's URI"),
    );
    refused_dash(
        "<MPD><BaseURL>a<!-- b --></BaseURL></MPD>",
        Refusal::Unsupported("a manifest with markup in a URI"),
    );
}

#[test]
fn manifests_have_limits() {
    let large = format!("<MPD>{}</MPD>", " ".repeat(TEXT_SIZE_BYTES_MAX));
    refused_dash(&large, Refusal::TooLarge("a playlist"));
    let deep = format!("<MPD>{}", "<a>".repeat(100_000));
    refused_dash(&deep, Refusal::TooLarge("depth of a manifest"));
    let wide = format!("<MPD>{}</MPD>", "<Period/>".repeat(20_000));
    refused_dash(&wide, Refusal::TooLarge("representations of a manifest"));
    let many = format!("<MPD>{}</MPD>", "<SegmentURL media='x'/>".repeat(200_001));
    refused_dash(&many, Refusal::TooLarge("URIs of a manifest"));
    let bases = (0..9)
        .map(|number| format!("<BaseURL>{number}/</BaseURL>"))
        .collect::<String>();
    refused_dash(
        &format!("<MPD>{bases}</MPD>"),
        Refusal::TooLarge("base URLs of a manifest"),
    );
    let three = "<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><BaseURL>c/</BaseURL>";
    refused_dash(
        &format!("<MPD>{three}<Period>{three}</Period></MPD>"),
        Refusal::TooLarge("base URLs of a manifest"),
    );
    let long = format!("<BaseURL>{}/</BaseURL>", "x".repeat(100_000));
    let short = "<Period><BaseURL>y/</BaseURL></Period>".repeat(1000);
    refused_dash(
        &format!("<MPD>{long}{short}</MPD>"),
        Refusal::TooLarge("base URLs of a manifest"),
    );
    let attributes = (0..100_000)
        .map(|number| format!(" a{number}=''"))
        .collect::<String>();
    check_dash(&format!("<MPD{attributes}/>"));
}

#[test]
fn templates() {
    check_dash(
        r#"<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
	<Period id="0" start="PT0.0S">
		<AdaptationSet id="0" contentType="video">
			<Representation id="0" bandwidth="1" codecs='avc1.64001f' >
				<SegmentTemplate timescale="1" initialization="init-$RepresentationID$.m4s{?Q}" media = 'chunk-$RepresentationID$-$Number%05d$.m4s?a=1&amp;b=2{&Q}' startNumber="1">
					<SegmentTimeline><S t="0" d="1" r="3" /></SegmentTimeline>
				</SegmentTemplate>
			</Representation>
		</AdaptationSet>
	</Period>
</MPD>
<!-- the end -->"#,
    );
    let manifest = "<MPD><SegmentTemplate media='$Number$' index='/i'/></MPD>";
    let mut dollars = |uri: &str| Some(format!("{uri}?a=$b'&c"));
    assert_eq!(
        dash(manifest, &mut dollars).unwrap(),
        "<MPD><SegmentTemplate media='$Number$?a=$$b&apos;&amp;c' index='/i?a=$$b&apos;&amp;c'/></MPD>"
    );
}

#[test]
fn a_base_that_names_a_file_is_that_file() {
    check_dash(
        "\u{feff}<MPD><BaseURL>videos/</BaseURL><Period><AdaptationSet>\
         <Representation><BaseURL> video.mp4{?Q} </BaseURL><SegmentBase indexRange='1-2'><Initialization range='0-1'/></SegmentBase></Representation>\
         <Representation><BaseURL><![CDATA[a&b.vtt{?Q}]]></BaseURL></Representation>\
         <Representation><BaseURL>https://other/a.mp4</BaseURL></Representation>\
         <Representation><BaseURL>folder/</BaseURL><SegmentBase><Initialization sourceURL='i.mp4{?Q}'/></SegmentBase></Representation>\
         </AdaptationSet></Period></MPD>",
    );
    check_dash(
        "<MPD><Period><AdaptationSet><SegmentTemplate media='$Number$.m4s{?Q}'/>\
         <Representation><BaseURL>a/x</BaseURL></Representation></AdaptationSet></Period></MPD>",
    );
}

#[test]
fn segment_lists() {
    check_dash(
        "<MPD><Period><AdaptationSet><Representation><BaseURL>dir/</BaseURL><SegmentList duration='1'>\
         <Initialization sourceURL='init.mp4{?Q}'/><RepresentationIndex sourceURL='x.sidx{?Q}'/>\
         <SegmentURL index='1.sidx{?Q}' media='1.m4s{?Q}'/><SegmentURL media='2.m4s{?Q}#f'/><SegmentURL media=''/>\
         </SegmentList></Representation></AdaptationSet></Period></MPD>",
    );
    // The segments are ranges of one file.
    check_dash(
        "<MPD><Period><AdaptationSet><Representation><BaseURL>video.mp4{?Q}</BaseURL><SegmentList>\
         <Initialization range='0-1'/><SegmentURL mediaRange='2-3'/></SegmentList></Representation></AdaptationSet></Period></MPD>",
    );
}

#[test]
fn what_lies_on_another_host_gets_no_grant() {
    check_dash(
        "<MPD><BaseURL>https://other/</BaseURL><Period><AdaptationSet>\
         <SegmentTemplate media='$Number$.m4s'/><Representation/>\
         </AdaptationSet></Period></MPD>",
    );
    // One of the locations is another host.
    check_dash(
        "<MPD><BaseURL>/here/</BaseURL><BaseURL>https://other/</BaseURL><Period><AdaptationSet>\
         <SegmentTemplate media='$Number$.m4s'/><Representation/></AdaptationSet></Period></MPD>",
    );
    check_dash(
        "<MPD><Period><AdaptationSet><SegmentTemplate media='$Number$.m4s'/>\
         <Representation><BaseURL>/a/</BaseURL></Representation>\
         <Representation><BaseURL>//other/</BaseURL></Representation></AdaptationSet></Period></MPD>",
    );
    check_dash(
        "<MPD><BaseURL>https://host/a/</BaseURL><Location>https://other/m.mpd</Location><Location>m.mpd{?Q}</Location>\
         <Period xlink:href='p.xml{?Q}'/><Period xlink:href='urn:mpeg:dash:resolve-to-zero:2013'>\
         <AdaptationSet><SegmentTemplate media='$Number$.m4s{?Q}'/></AdaptationSet></Period></MPD>",
    );
}

#[test]
fn a_place_that_needs_two_grants_is_refused() {
    let mut each = |uri: &str| Some(format!("{uri}?{}", uri.len()));
    let manifest =
        "<MPD><BaseURL>a/</BaseURL><BaseURL>bb/</BaseURL><SegmentTemplate media='$Number$'/></MPD>";
    assert_eq!(
        dash(manifest, &mut each),
        Err(Refusal::Unsupported(
            "a manifest with a URI that needs several grants"
        ))
    );
    let one = "<MPD><BaseURL>a/</BaseURL><SegmentTemplate media='$Number$'/></MPD>";
    assert!(dash(one, &mut each).unwrap().contains("$Number$?10'"));
}
