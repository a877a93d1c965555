// What a process has used, as Linux tells by /proc.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Failure } from '../scripts/toolchain.mjs';

/** Fails where nothing of this can be read. */
export function checkSystem() {
  if (process.platform !== 'linux') throw new Failure('CPU time is read from /proc, which only Linux has');
}

/** The CPU time that all threads of a process have had, in microseconds. */
export function cpuMicroseconds(pid) {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(running);
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

const memory = (pid, key) =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** The memory that a process has, in MiB. */
export const memoryMib = (pid) => memory(pid, 'VmRSS');

/** The most memory that a process has ever had, in MiB. */
export const peakMemoryMib = (pid) => memory(pid, 'VmHWM');

/** Forgets the most memory that a process has had until here. */
export const forgetPeak = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, '5');
