//! CPU time and memory of a server, as /proc tells it: the process itself and its children.

use crate::command::Outcome;
use std::fs;
use std::time::Duration;

/// User and system time of a process and its children, threads that have ended included.
pub fn cpu_time(process: u32) -> Outcome<Duration> {
    let tick = 1.0 / rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = 0;
    for member in family(process) {
        ticks += Stat::read(member).map_or(0, |stat| stat.ticks);
    }
    if ticks == 0 && Stat::read(process).is_none() {
        return Err("the server has ended".to_owned());
    }
    Ok(Duration::from_secs_f64(ticks as f64 * tick))
}

/// The most memory that was ever resident, in bytes, summed over the process and its children.
pub fn peak_memory_bytes(process: u32) -> Outcome<u64> {
    let peaks: Vec<u64> = family(process).into_iter().filter_map(peak_bytes).collect();
    if peaks.is_empty() {
        Err("the server has ended".to_owned())
    } else {
        Ok(peaks.iter().sum())
    }
}

fn peak_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// A process and its direct children: nginx's workers do the work of their master.
fn family(process: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |id: &u32| Stat::read(*id).is_some_and(|stat| stat.parent == process);
    processes
        .filter(|id| *id == process || is_child(id))
        .collect()
}

/// The fields of /proc/PID/stat that matter here; see proc(5).
struct Stat {
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn read(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in parentheses may hold spaces; fields are counted from behind it.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let parent = u32::try_from(number(1)?).ok()?;
        Some(Self {
            parent,
            ticks: number(11)? + number(12)?,
        })
    }
}
