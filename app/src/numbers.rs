//! Numbers as people read them: few digits, always a unit.

/// "3.1 of 14.0 MB"; without a total "3.1 MB".
pub fn bytes_of(done: u64, total: Option<u64>) -> String {
    let largest = total.unwrap_or(done).max(done);
    let (unit, name, digits) = match largest {
        0..1_000 => (1.0, "bytes", 0),
        1_000..1_000_000 => (1e3, "kB", 0),
        1_000_000..1_000_000_000 => (1e6, "MB", 1),
        _ => (1e9, "GB", 2),
    };
    let number = |bytes: u64| format!("{:.digits$}", bytes as f64 / unit);
    match total {
        Some(total) => format!("{} of {} {name}", number(done), number(total)),
        None => format!("{} {name}", number(done)),
    }
}

/// "0.4 s", "8 s", "2 min 5 s", "1 h 3 min".
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 1.0 {
        return format!("{:.1} s", (seconds * 10.0).ceil() / 10.0);
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 if whole.is_multiple_of(60) => format!("{} min", whole / 60),
        60..600 => format!("{} min {} s", whole / 60, whole % 60),
        600..3600 => format!("{} min", whole / 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A guess at a duration: "30 s", "9 min", "2 h".
pub fn about(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    match seconds {
        0.0..1.0 => "1 s".to_owned(),
        1.0..20.0 => format!("{seconds:.0} s"),
        20.0..100.0 => format!("{:.0} s", (seconds / 5.0).round() * 5.0),
        100.0..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

/// "12 steps/s", "1.4 steps/s", "4.2 s a step".
pub fn rate(steps_per_second: f64) -> String {
    if !(steps_per_second.is_finite() && steps_per_second > 0.0) {
        return "–".to_owned();
    }
    match steps_per_second {
        slow if slow < 0.95 => format!("{:.1} s a step", 1.0 / slow),
        medium if medium < 9.95 => format!("{medium:.1} steps/s"),
        fast => format!("{fast:.0} steps/s"),
    }
}

/// Three significant digits or so, with a real minus sign: "741", "12.4", "−0.031", "2.1e-5".
pub fn value(value: f32) -> String {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if !value.is_finite() {
        return "not finite".to_owned();
    } else if !(1e-3..1e6).contains(&size) {
        format!("{size:.1e}")
    } else if size >= 100.0 {
        format!("{size:.0}")
    } else if size >= 10.0 {
        format!("{size:.1}")
    } else if size >= 1.0 {
        format!("{size:.2}")
    } else {
        format!("{size:.3}")
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// "86 %", "4.2 %", "0.03 %", "under 0.01 %".
pub fn percent(share: f32) -> String {
    let percent = 100.0 * share;
    match percent {
        small if small < 0.01 => "under 0.01 %".to_owned(),
        small if small < 0.995 => format!("{small:.2} %"),
        small if small < 9.95 => format!("{small:.1} %"),
        large => format!("{large:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_share_the_unit_of_the_total() {
        assert_eq!(bytes_of(3_100_000, Some(14_000_000)), "3.1 of 14.0 MB");
        assert_eq!(bytes_of(0, Some(31_000)), "0 of 31 kB");
        assert_eq!(bytes_of(512, None), "512 bytes");
    }

    #[test]
    fn durations_keep_two_units_at_most() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (0.31, "0.4 s"),
            (8.2, "8 s"),
            (60.0, "1 min"),
            (125.0, "2 min 5 s"),
            (1_500.0, "25 min"),
            (3_800.0, "1 h 3 min"),
            (f64::INFINITY, "unknown"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_guess_is_not_more_precise_than_it_is() {
        let guesses = [(0.2, "1 s"), (8.2, "8 s"), (31.3, "30 s"), (512.0, "9 min"), (7e3, "2 h")];
        for (seconds, text) in guesses {
            assert_eq!(about(seconds), text);
        }
    }

    #[test]
    fn slow_rates_are_told_by_the_step() {
        assert_eq!(rate(0.25), "4.0 s a step");
        assert_eq!(rate(1.44), "1.4 steps/s");
        assert_eq!(rate(38.2), "38 steps/s");
        assert_eq!(rate(0.0), "–");
    }

    #[test]
    fn values_show_about_three_digits() {
        for (number, text) in [
            (741.2, "741"),
            (-12.34, "−12.3"),
            (1.0, "1.00"),
            (-0.0312, "−0.031"),
            (0.000_021, "2.1e-5"),
            (0.0, "0"),
        ] {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn small_probabilities_are_not_rounded_to_nothing() {
        assert_eq!(percent(0.864), "86 %");
        assert_eq!(percent(0.042), "4.2 %");
        assert_eq!(percent(0.0003), "0.03 %");
        assert_eq!(percent(0.0), "under 0.01 %");
    }
}
