//! CPU time and memory of a server according to /proc, for the process itself and its children.

use std::fs;
use std::time::Duration;
use xtask::command::Outcome;

/// Returns the user and system time of a process and its children, including threads that have ended.
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

/// Returns the peak resident memory in bytes, summed over the process and its children.
pub fn peak_memory_bytes(process: u32) -> Outcome<u64> {
    family_bytes(process, "VmHWM:")
}

/// Returns the current resident memory in bytes, summed over the process and its children.
pub fn memory_bytes(process: u32) -> Outcome<u64> {
    family_bytes(process, "VmRSS:")
}

/// Calls of `write` and `writev` so far, of the process and its children; `sendfile` and `sendmsg` are none of them.
pub fn writes(process: u32) -> Outcome<u64> {
    let written = |member: u32| {
        let text = fs::read_to_string(format!("/proc/{member}/io")).ok()?;
        let count = text.lines().find_map(|line| line.strip_prefix("syscw: "))?;
        count.trim().parse::<u64>().ok()
    };
    let counts: Vec<u64> = family(process).into_iter().filter_map(written).collect();
    if counts.is_empty() {
        return Err("the server has ended".to_owned());
    }
    Ok(counts.iter().sum())
}

/// Returns the number of open files, including connections, of the process and its children.
pub fn open_files(process: u32) -> Outcome<usize> {
    let open = |member: u32| {
        let files = fs::read_dir(format!("/proc/{member}/fd"));
        files.map_or(0, Iterator::count)
    };
    match family(process).into_iter().map(open).sum() {
        0 => Err("the server has ended".to_owned()),
        count => Ok(count),
    }
}

fn family_bytes(process: u32, field: &str) -> Outcome<u64> {
    let members = family(process);
    let sizes: Vec<u64> = members
        .into_iter()
        .filter_map(|member| status_bytes(member, field))
        .collect();
    if sizes.is_empty() {
        Err("the server has ended".to_owned())
    } else {
        Ok(sizes.iter().sum())
    }
}

fn status_bytes(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns a process and its direct children: nginx's workers do the work of their master.
fn family(process: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |id: &u32| Stat::read(*id).is_some_and(|stat| stat.parent == process);
    processes
        .filter(|id| *id == process || is_child(id))
        .collect()
}

/// The fields of /proc/PID/stat that are needed here; see proc(5).
struct Stat {
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn read(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name in parentheses may contain spaces, so fields are counted after it.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let parent = u32::try_from(number(1)?).ok()?;
        Some(Self {
            parent,
            ticks: number(11)? + number(12)?,
        })
    }
}
