//! Which part of a job this machine does: of the shards of a store, of the runs of a sweep.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use anyhow::{Result, bail};

/// The most parts.
const MOST: u64 = 1_000_000;

/// One of several parts that are as large as each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Which, from 0.
    index: u64,
    /// Of how many.
    count: u64,
}

impl Partition {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The part numbered from 1.
    fn new(number: u64, count: u64) -> Option<Self> {
        let fits = (1..=count).contains(&number) && count <= MOST;
        fits.then(|| Self { index: number - 1, count })
    }

    /// The part that a cluster's scheduler says this is, and the variable that says so; `variable`
    /// reads the environment.
    ///
    /// # Errors
    /// It says something that cannot be, or not all of it.
    pub fn scheduled(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Self, &'static str)>> {
        let number = |name: &'static str| -> Result<Option<u64>> {
            let Some(text) = variable(name) else { return Ok(None) };
            let Ok(number) = text.parse() else {
                bail!("{name} is {text:?}, expected a number: give --partition instead");
            };
            Ok(Some(number))
        };
        const SLURM: &str = "SLURM_ARRAY_TASK_ID";
        const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
        if let Some(task) = number(SLURM)? {
            let Some(count) = number("SLURM_ARRAY_TASK_COUNT")? else {
                bail!("{SLURM} is set but SLURM_ARRAY_TASK_COUNT is not: give --partition instead");
            };
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let last = number("SLURM_ARRAY_TASK_MAX")?;
            let index = task.checked_sub(first).filter(|behind| behind % step == 0);
            let part = index.and_then(|behind| Self::new(behind / step + 1, count));
            // A list such as 1,3,7 has gaps that nothing tells of.
            let is_even = last.is_none_or(|last| {
                let between = count.checked_sub(1).and_then(|gaps| gaps.checked_mul(step));
                between.is_some() && last.checked_sub(first) == between
            });
            return match part {
                Some(part) if is_even => Ok(Some((part, SLURM))),
                _ => bail!(
                    "{SLURM} is {task} of {count} from {first}: the array's numbers are not evenly \
                     spaced, so it does not say which part this is: give --partition instead"
                ),
            };
        }
        if let Some(index) = number(KUBERNETES)? {
            let Some(count) = number("JOB_COMPLETION_COUNT")? else {
                bail!(
                    "{KUBERNETES} is set, but Kubernetes does not say of how many: set \
                     JOB_COMPLETION_COUNT to the job's completions, or give --partition"
                );
            };
            return match Self::new(index.saturating_add(1), count) {
                Some(part) => Ok(Some((part, KUBERNETES))),
                None => bail!("{KUBERNETES} is {index}, expected 0 to one less than {count}"),
            };
        }
        Ok(None)
    }

    /// Its share of so many: neighbours, so that pictures are read one after another, and the seeds of
    /// one dictionary see the same batches.
    pub fn of(self, all: u64) -> Range<u64> {
        let start = |index: u64| {
            let start = u128::from(index) * u128::from(all) / u128::from(self.count);
            // Not more than `all`.
            start as u64
        };
        start(self.index)..start(self.index + 1)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, count)| {
            let [number, count] = [number, count].map(|number| number.trim().parse().ok());
            Self::new(number?, count?)
        });
        numbers.ok_or_else(|| format!("expected such as 1/4, 2/4, .. to 4/4 (at most {MOST})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduled(variables: &[(&str, &str)]) -> Result<Option<(Partition, &'static str)>, String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Partition::scheduled(find).map_err(|error| error.to_string())
    }

    fn part(text: &str) -> Partition {
        text.parse().unwrap()
    }

    #[test]
    fn the_parts_of_anything_are_all_of_it_and_never_the_same() {
        for (shards, count) in [(0, 1), (1, 4), (7, 3), (12, 12), (1000, 7), (1 << 40, 999_999)] {
            let mut next = 0;
            for number in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].iter().filter(|&&n| n <= count) {
                let share = Partition::new(*number, count).unwrap().of(shards);
                assert_eq!(share.start, next);
                next = share.end;
            }
            assert_eq!(Partition::new(count, count).unwrap().of(shards).end, shards);
        }
        assert_eq!(Partition::WHOLE, part("1/1"));
    }

    #[test]
    fn parts_are_numbered_from_one() {
        assert_eq!(part("4/4").to_string(), "4/4");
        for wrong in ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/x", "1/2/3", "1/1000001"] {
            let error = wrong.parse::<Partition>().unwrap_err();
            assert!(error.contains("1/4, 2/4"), "{wrong}: {error}");
        }
    }

    #[test]
    fn schedulers_say_which_part_it_is() {
        assert_eq!(scheduled(&[]), Ok(None));
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "5"),
            ("SLURM_ARRAY_TASK_MAX", "8"),
        ];
        assert_eq!(scheduled(&slurm), Ok(Some((part("3/4"), "SLURM_ARRAY_TASK_ID"))));
        let stepped = [
            ("SLURM_ARRAY_TASK_ID", "20"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_MAX", "30"),
            ("SLURM_ARRAY_TASK_STEP", "10"),
        ];
        assert_eq!(scheduled(&stepped), Ok(Some((part("3/4"), "SLURM_ARRAY_TASK_ID"))));
        let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETION_COUNT", "16")];
        assert_eq!(scheduled(&kubernetes), Ok(Some((part("1/16"), "JOB_COMPLETION_INDEX"))));
    }

    #[test]
    fn what_schedulers_leave_open_is_asked_for() {
        let uneven = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "7"),
        ];
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&uneven, "not evenly spaced"),
            (&[("SLURM_ARRAY_TASK_ID", "3")], "SLURM_ARRAY_TASK_COUNT is not"),
            (&[("SLURM_ARRAY_TASK_ID", "a"), ("SLURM_ARRAY_TASK_COUNT", "4")], "\"a\""),
            (&[("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_COUNT", "0")], "not evenly"),
            (&[("JOB_COMPLETION_INDEX", "3")], "set JOB_COMPLETION_COUNT"),
            (&[("JOB_COMPLETION_INDEX", "4"), ("JOB_COMPLETION_COUNT", "4")], "one less than 4"),
        ];
        for (variables, said) in cases {
            let error = scheduled(variables).unwrap_err();
            assert!(error.contains(said), "{variables:?}: {error}");
        }
    }
}
