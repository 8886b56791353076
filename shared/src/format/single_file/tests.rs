use super::*;
use crate::format::bundle::Part;

const INDEX: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<link rel=\"icon\" \
    href=\"./icon.svg\"><link rel=\"stylesheet\" href=\"./style-1.css\">\
    <script type=\"module\">import './page-1.js'</script></head>\n\
    <body>\n<p>größer</p>\n<script src=\"./start-1.js\"></script>\n</body>\n</html>\n";

const PAGE_FILES: [(&str, &[u8]); 5] = [
    ("style-1.css", b"a > b {}"),
    ("start-1.js", b"start('\xc3\xb6');"),
    ("icon.svg", b"<svg></svg>"),
    ("page-1.js", b"document.write('</script><script>')"),
    ("page-1_bg.wasm", b"\0asm"),
];

fn site() -> Site {
    let files = [(PAGE, INDEX.as_bytes())].into_iter().chain(PAGE_FILES);
    Site {
        version: "0123456789abcdef".to_owned(),
        script: "page-1.js".to_owned(),
        files: files.map(|(path, bytes)| Part::of(path, bytes)).collect(),
    }
}

fn files(more: &[(&str, &[u8])]) -> Vec<File> {
    let all = PAGE_FILES.into_iter().chain(more.iter().copied());
    let file = |(path, bytes): (&str, &[u8])| File {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
        gzip: path.ends_with(".js"),
        text: ["style-1.css", "start-1.js"]
            .contains(&path)
            .then(|| String::from_utf8_lossy(bytes).into_owned()),
    };
    all.map(file).collect()
}

/// What the loader finds inside: path, bytes, whether they are a gzip stream.
fn unpack(text: &str) -> Vec<(String, Vec<u8>, bool)> {
    text.split("data-inside=\"")
        .skip(1)
        .map(|block| {
            let (path, rest) = block.split_once('"').unwrap();
            let (gzip, rest) = rest.split_once('>').unwrap();
            let (base64, _) = rest.split_once("</script>").unwrap();
            (path.to_owned(), BASE64.decode(base64).unwrap(), gzip == " data-gzip")
        })
        .collect()
}

#[test]
fn every_file_survives_the_round_trip() {
    let every_byte: Vec<u8> = (0..=255).cycle().take(10_001).collect();
    let more: [(&str, &[u8]); 3] = [
        ("bundles/googlenet/weights.safetensors", &every_byte),
        ("bundles/googlenet/labels.txt", "</script><!-- größer \"'\n".as_bytes()),
        ("bundles/googlenet/empty", b""),
    ];
    let files = files(&more);
    let text = pack(INDEX, &site(), &files, &[]).unwrap();
    let found = unpack(&text);
    let wanted: Vec<_> = files.into_iter().map(|file| (file.path, file.bytes, file.gzip)).collect();
    assert_eq!(found, wanted);
    assert!(text.contains("<p>größer</p>"), "what the page says stays");
    // Before the first paint, so they cannot wait for the loader.
    assert!(text.contains("<style>a > b {}</style>") && text.contains("<script>start('ö');"));
}

#[test]
fn a_gzip_stream_travels_only_where_it_saves_enough() {
    for (stream, gzip) in [(0, true), (94, true), (95, false), (120, false)] {
        let file = File::smaller("a".to_owned(), vec![1; 100], vec![2; stream]);
        assert_eq!((file.gzip, file.bytes[..].first() != Some(&1)), (gzip, gzip), "{stream}");
    }
    for (path, text) in [("a.css", Some("a {}")), ("a.wasm", None)] {
        let file = File::smaller(path.to_owned(), b"a {}".to_vec(), Vec::new());
        assert_eq!(file.text.as_deref(), text, "{path}");
    }
}

#[test]
fn nothing_inside_can_end_its_element() {
    let views = ["?objective=</script><script>alert(1)</script>".to_owned(), "?a='\"\\".to_owned()];
    let text = pack(INDEX, &site(), &files(&[("a", b"</script>")]), &views).unwrap();
    // As many elements end as were opened: views, files, loader.
    assert_eq!(text.matches("</script>").count(), 1 + 1 + 6 + 1);
    assert_eq!(text.matches("<script").count(), 1 + 1 + 6 + 1);
    assert!(text.contains("\"?a='\\\"\\\\\""), "{}", &text[..600]);
}

#[test]
fn the_loader_could_stand_in_any_page() {
    assert!(!LOADER.contains("</script") && !LOADER.contains("<!--") && LOADER.is_ascii());
}

#[test]
fn what_cannot_be_opened_is_not_written() {
    let complete = files(&[]);
    let twice = files(&[("icon.svg", b"again")]);
    let outside = files(&[("a/../../b", b"x")]);
    let quoted = files(&[("a\"b", b"x")]);
    let mut ending = files(&[]);
    ending[1].text = Some("'</script>'".to_owned());
    for (page, files, named) in [
        (INDEX, &complete[1..], "style-1.css"),
        (INDEX, &ending, "start-1.js"),
        (INDEX, &twice, "two files share the path \"icon.svg\""),
        (INDEX, &outside, "a/../../b"),
        (INDEX, &quoted, "not plain"),
        ("<p>no page", &complete, "<head>"),
        ("<head></head>", &complete, "</body>"),
    ] {
        let error = pack(page, &site(), files, &[]).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
