/**
 * Whether the laboratory itself works: a disk exported and connected by hand, a writer that fsyncs,
 * a cut cable, a box without power. No driver takes part.
 */
import assert from "node:assert/strict";
import { connectByHand, exportByHand, startByHand } from "../../tools/lab/by_hand.ts";
import { kernelOf, type KernelSeries } from "../../tools/lab/kernels.ts";
import { lasting, timed } from "./waiting.ts";

const CUT_MS = 5_000;
/** Writes and fsyncs numbers until it is told to end; the confirmed ones go to the host. */
const WRITER = `mkdir -p /v && mkfs.ext4 -q -F DEVICE && mount DEVICE /v && echo mounted
trap 'exit 0' TERM
for number in $(seq 100000); do
  echo $number >>/v/numbers && sync /v/numbers && echo $number >>/lab/confirmed || exit 1
done`;

/** Runs it on one kernel; gives what took how long, in milliseconds. @throws {Error} */
export async function smoke(
  series: KernelSeries,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const directory = await Deno.makeTempDir({ prefix: "rds-lab-" });
  const kernel = await kernelOf(series, print);
  try {
    const [lab, bootMs] = await timed(() => startByHand({ kernel, directory }, 2));
    await using machines = lab;
    const { box, nodes: [node, other] } = machines;
    const [device, connectMs] = await timed(() => connectByHand(node));
    print(`booted in ${bootMs} ms, connected ${device} in ${connectMs} ms`);
    const pid = await node.start(WRITER.replaceAll("DEVICE", device), "/lab/writer.log");
    const written = async (more: number, withinMs = 60_000): Promise<number> => {
      const from = await confirmed(node.shared);
      const [, durationMs] = await timed(async () => {
        const last = Date.now() + withinMs;
        while (await confirmed(node.shared) < from + more) {
          assert.ok(Date.now() < last, `not ${more} more than ${from} records`);
          await lasting(100, signal);
        }
      });
      return durationMs;
    };
    await written(3);

    await box.setLink(false);
    await lasting(CUT_MS / 2, signal);
    const inTheCut = await confirmed(node.shared);
    await lasting(CUT_MS / 2, signal);
    assert.equal(await confirmed(node.shared), inTheCut, "a cut cable carries data");
    await box.setLink(true);
    const afterCutMs = await written(3);
    print(`cable cut for ${CUT_MS} ms: went on after ${afterCutMs} ms`);

    await box.powerOff();
    const [, rebootMs] = await timed(() => box.boot());
    await exportByHand(box);
    const afterPowerCutMs = await written(3, 120_000);
    print(
      `box without power: booted in ${rebootMs} ms, went on ${afterPowerCutMs} ms after export`,
    );

    // The third machine reaches the box as well, and after it was killed once, too.
    await other.run(reaches("10.77.0.1", 4501));
    await other.powerOff();
    await other.boot();
    await other.run(`${reaches("10.77.0.1", 4501)} && ${reaches("10.77.0.2", 7000)}`);

    await node.run(`kill -TERM ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`);
    const last = await confirmed(node.shared);
    const text = await node.run("umount /v && mount " + device + " /v && cat /v/numbers");
    const numbers = text.trim().split("\n").map(Number);
    assert.deepEqual(numbers.slice(0, last), Array.from({ length: last }, (_, at) => at + 1));
    return { bootMs, connectMs, afterCutMs, rebootMs, afterPowerCutMs, records: last };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function reaches(address: string, port: number): string {
  return `timeout 10 bash -c '</dev/tcp/${address}/${port}'`;
}

async function confirmed(shared: string): Promise<number> {
  const text = await Deno.readTextFile(`${shared}/confirmed`).catch(() => "");
  return text.split("\n").length - 1;
}
