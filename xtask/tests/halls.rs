//! What `index.html` hangs in the halls is there to be hung.

use std::fs;
use std::path::Path;

/// What stands between two marks, as often as it does.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn every_picture_in_a_hall_has_its_file_and_its_growth_and_no_file_is_left_over() {
    // Cargo runs tests in their package's folder.
    let root = Path::new("..");
    let page = fs::read_to_string(root.join("index.html")).unwrap();
    let walls = between(&page, "<div class=\"wall\"", "</div>");
    assert_eq!(walls.len(), 2, "GoogLeNet's and that of the network that ships with its weights");
    let mut hung = Vec::new();
    for wall in walls {
        let units = between(wall, "data-unit=\"", "\"");
        assert_eq!(units.len(), 25, "{units:?}");
        let steps = between(wall, "data-steps=\"", "\"").concat();
        let steps: Vec<usize> = steps.split(' ').map(|step| step.parse().unwrap()).collect();
        assert!(2 < steps.len() && steps.is_sorted(), "{steps:?}");
        for unit in units {
            let name = unit.replace(':', "_");
            assert!(wall.contains(&format!("dreams/{name}.jpg\"")), "{unit} has another's picture");
            assert!(root.join(format!("public/dreams/growth/{name}.webp")).is_file(), "{unit}");
            hung.push(format!("{name}.jpg"));
        }
    }
    hung.sort();
    let mut files: Vec<String> = fs::read_dir(root.join("public/dreams"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".jpg"))
        .collect();
    files.sort();
    assert_eq!(files, hung);
}
