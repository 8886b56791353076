//! A page's HTML without the addresses that a page from a disk cannot follow.

/// What is known of a file that a page names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// It is not inside.
    Elsewhere,
    /// It is inside.
    Inside,
    /// It is inside, and this is what it says.
    Text(&'a str),
}

/// Takes out what fetches programs (module scripts, preloads), puts styles and plain scripts in
/// place of what names them, and puts aside the addresses of all other files that are inside: `src`
/// and `href` become `data-inside-src` and `data-inside-href`.
///
/// # Errors
/// Names a style or script that would end the element it is to stand in.
pub fn without_addresses<'a>(
    html: &str,
    file: &dyn Fn(&str) -> Named<'a>,
) -> Result<String, String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else {
            tag_length(rest)
        };
        // What never ends is text.
        let Some(length) = length else { break };
        let (tag, after) = rest.split_at(length);
        let name = name(tag);
        // What scripts and styles hold is no markup.
        let inner = match name {
            "script" | "style" => after.find(&format!("</{name}")).unwrap_or(after.len()),
            _ => 0,
        };
        let (inner, after) = after.split_at(inner);
        rest = after;
        if name == "script" && attribute(tag, "type") == Some("module") {
            // Its end goes with it.
            rest = after.split_once('>').map_or("", |(_, after)| after);
        } else if name == "link"
            && matches!(attribute(tag, "rel"), Some("modulepreload" | "preload"))
        {
            // Nothing of it stays.
        } else if name.is_empty() {
            // An end, a comment, the document's type.
            text.push_str(tag);
        } else if name == "link"
            && attribute(tag, "rel") == Some("stylesheet")
            && let Some(style) = text_named(tag, "href", file)?
        {
            text.extend(["<style>", style, "</style>"]);
        } else if name == "script"
            && let Some(script) = text_named(tag, "src", file)?
        {
            text.extend(["<script>", script]);
        } else {
            text.push_str(&put_aside(tag, file));
            text.push_str(inner);
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// The length of the tag that a text begins with; `>` inside quotes does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (place, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(place + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

/// The name of an opening tag; empty for anything else.
fn name(tag: &str) -> &str {
    let inner = &tag[1..];
    let end = inner.find(|letter: char| !letter.is_ascii_alphanumeric());
    &inner[..end.unwrap_or(inner.len())]
}

/// The place of an attribute's value in a tag.
fn value_at(tag: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let mut place = 1 + name(tag).len();
    // The names outside of values, each with what follows its sign.
    while let Some(sign) = tag[place..].find('=') {
        let sign = place + sign;
        let found = tag[place..sign].split_whitespace().next_back().unwrap_or_default();
        let after = &tag[sign + 1..];
        let (start, length) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => (sign + 2, after[1..].find(quote)?),
            _ => {
                let end = |letter: char| letter.is_ascii_whitespace() || letter == '>';
                (sign + 1, after.find(end).unwrap_or(after.len()))
            }
        };
        if found == key {
            return Some(start..start + length);
        }
        // A closing quote, if there is one, is skipped with the white space before the next name.
        place = (start + length + 1).min(tag.len());
    }
    None
}

fn attribute<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    value_at(tag, key).map(|range| &tag[range])
}

/// What the file says that an attribute of a tag names.
fn text_named<'a>(
    tag: &str,
    key: &str,
    file: &dyn Fn(&str) -> Named<'a>,
) -> Result<Option<&'a str>, String> {
    let path = plain(attribute(tag, key).unwrap_or_default());
    match file(path) {
        Named::Text(text) if text.contains("</") || text.contains("<!--") => Err(path.to_owned()),
        Named::Text(text) => Ok(Some(text)),
        Named::Inside | Named::Elsewhere => Ok(None),
    }
}

/// A path relative to the page, as files are called.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./")
}

fn put_aside<'a>(tag: &str, file: &dyn Fn(&str) -> Named<'a>) -> String {
    let mut tag = tag.to_owned();
    for key in ["src", "href"] {
        let Some(range) = value_at(&tag, key) else { continue };
        let path = plain(&tag[range.clone()]);
        if file(path) != Named::Elsewhere {
            let path = path.to_owned();
            tag.replace_range(range.clone(), &path);
            // The name stands right before the sign and a quote, if there is one.
            let name_end = tag[..range.start].rfind('=').unwrap_or(range.start);
            tag.insert_str(name_end - key.len(), "data-inside-");
        }
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapted(html: &str) -> String {
        without_addresses(html, &|path| match path {
            "icon.svg" | "dreams/a.jpg" => Named::Inside,
            "style-1.css" => Named::Text("a > b {}"),
            "start-1.js" => Named::Text("if (1 < 2) start();"),
            _ => Named::Elsewhere,
        })
        .unwrap()
    }

    #[test]
    fn programs_go_and_all_else_stays() {
        let page = "<!doctype html><html lang=\"en\"><head><style>a > b { c: '</b>' }</style>\
            <script>if (1 < 2) document.write(\"<img src='icon.svg'>\")</script>";
        let programs = "<script type=\"module\">\nimport init from './page-1.js';\n</script>\
            <link rel=\"modulepreload\" href=\"./page-1.js\"><link rel='preload' href=./x.wasm>";
        let end = "</head><body><!-- <img src=\"icon.svg\"> --><p title=\"a > b\">a < b</p></body>";
        assert_eq!(adapted(&format!("{page}{programs}{end}")), format!("{page}{end}"));
    }

    #[test]
    fn addresses_of_what_is_inside_are_put_aside() {
        for (html, wanted) in [
            (
                "<img src=\"dreams/a.jpg\" alt=\"src=x\">",
                "<img data-inside-src=\"dreams/a.jpg\" alt=\"src=x\">",
            ),
            (
                "<img alt='a = b' src=./dreams/a.jpg>",
                "<img alt='a = b' data-inside-src=dreams/a.jpg>",
            ),
            (
                "<link rel=\"icon\" href=\"./icon.svg\"/>",
                "<link rel=\"icon\" data-inside-href=\"icon.svg\"/>",
            ),
            ("<a href=\"?objective=a:1&amp;b\">x</a>", "<a href=\"?objective=a:1&amp;b\">x</a>"),
            (
                "<img src=\"other.jpg\" data-src=\"icon.svg\">",
                "<img src=\"other.jpg\" data-src=\"icon.svg\">",
            ),
        ] {
            assert_eq!(adapted(html), wanted);
        }
    }

    #[test]
    fn styles_and_plain_scripts_stand_in_the_page() {
        let page = "<link rel=\"stylesheet\" href=\"./style-1.css\"><body>\
            <script src=\"start-1.js\" defer></script><script src=\"other.js\"></script>";
        let wanted = "<style>a > b {}</style><body>\
            <script>if (1 < 2) start();</script><script src=\"other.js\"></script>";
        assert_eq!(adapted(page), wanted);
    }

    #[test]
    fn broken_markup_does_no_harm() {
        for html in
            ["<", "a < b", "<img src=", "<img src=\"", "<script>", "<!-- ", "<p a=é>ü", "</"]
        {
            assert_eq!(adapted(html), html);
        }
    }
}
