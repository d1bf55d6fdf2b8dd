/** How much memory a process of this machine has, as Linux counts it. */

/** Resident memory in bytes: now, and the most it ever was. */
export interface ResidentMemory {
  readonly nowBytes: number;
  readonly peakBytes: number;
}

/** Reads /proc. @throws {Error} when there is no such process, or no /proc */
export async function residentMemoryOf(pid: number): Promise<ResidentMemory> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return { nowBytes: bytesOf(status, "VmRSS"), peakBytes: bytesOf(status, "VmHWM") };
}

function bytesOf(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`Cannot find ${name} in the status of the process`);
  return Number(kibibytes) * 1024;
}
