/**
 * Stages and unstages one volume of this machine again and again, by the use cases and adapters of
 * the shipped node, and prints as JSON how long each took and which steps it was made of. It runs in
 * a virtual machine of the kernel laboratory; `benches/kernel/phases.ts` starts it.
 *
 * Arguments: the plan, as JSON.
 */
import { KERNEL_CALLS_COMMAND } from "../../src/adapters/children/own_program.ts";
import { serveKernelCalls } from "../../src/adapters/children/worker_main.ts";
import { KeyedLock } from "../../src/application/keyed_lock.ts";
import { NodeVolumes } from "../../src/application/node_volumes.ts";
import { Reconnects } from "../../src/application/reconnects.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { systemRandom } from "../../src/adapters/system/random.ts";
import { openNodePorts } from "../../src/cli/node_ports.ts";
import { parsePublishContext } from "../../src/domain/publish_context.ts";
import { parseVolumeId } from "../../src/domain/volume_id.ts";

/** What to stage, and how often. */
export interface StagingPlan {
  readonly volumeId: string;
  readonly publishContext: Readonly<Record<string, string>>;
  readonly stagingPath: string;
  readonly stateDirectory: string;
  readonly cycles: number;
}

/** One stage and one unstage, in milliseconds; `steps` are those of both, by port and method. */
export interface StagingTimes {
  readonly stageMs: number;
  readonly unstageMs: number;
  readonly steps: Readonly<Record<string, number>>;
}

if (import.meta.main) {
  const [plan = "{}"] = Deno.args;
  // The worker for kernel calls is this program again, as it is of the shipped one.
  if (plan === KERNEL_CALLS_COMMAND) Deno.exit(serveKernelCalls());
  const times = await run(JSON.parse(plan) as StagingPlan);
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(times)}\n`));
  Deno.exit(0);
}

async function run(plan: StagingPlan): Promise<StagingTimes[]> {
  await using stack = new AsyncDisposableStack();
  const steps = new Map<string, number>();
  const { ports, bootId } = await openNodePorts({
    attachment: { kind: "kernel" },
    stateDirectory: plan.stateDirectory,
    clock: systemClock,
    isServing: true,
    interpose: (port) => timed(port, steps),
  }, stack);
  const shared = {
    locks: new KeyedLock(),
    clock: systemClock,
    observe: () => {},
    reconnects: new Reconnects(systemRandom),
  };
  const volumes = new NodeVolumes(ports, shared, { name: "bench", volumesMax: 0, bootId });
  const volumeId = parseVolumeId(plan.volumeId);
  if (volumeId === undefined) throw new Error(`${plan.volumeId} is no volume id`);
  const request = {
    volumeId,
    stagingPath: plan.stagingPath,
    capability: {
      mode: "SINGLE_NODE_WRITER",
      access: { type: "mount", fileSystem: "ext4", mountFlags: [] },
    },
    published: parsePublishContext(plan.publishContext),
    parameters: { mkfsOptions: [], fsckPolicy: "repair-safe" },
  } as const;
  const results: StagingTimes[] = [];
  for (let cycle = 0; cycle < plan.cycles; cycle++) {
    steps.clear();
    const signal = AbortSignal.timeout(120_000);
    const stageMs = await durationOf(() => volumes.stage(request, signal));
    const unstageMs = await durationOf(() => volumes.unstage(volumeId, plan.stagingPath, signal));
    results.push({ stageMs, unstageMs, steps: Object.fromEntries(steps) });
  }
  return results;
}

/** `port` with the time of every method added up in `steps`. */
function timed<Port extends object>(port: Port, steps: Map<string, number>): Port {
  return new Proxy(port, {
    get: (target, key): unknown => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function") return member;
      return (...given: unknown[]): unknown => {
        const startMs = performance.now();
        const result: unknown = Reflect.apply(member, target, given);
        if (!(result instanceof Promise)) return result;
        const name = nameOf(String(key), given[0]);
        return result.finally(() => {
          steps.set(name, (steps.get(name) ?? 0) + performance.now() - startMs);
        });
      };
    },
  });
}

/** Kernel calls are told apart by their kind, programs by their name. */
function nameOf(method: string, argument: unknown): string {
  if (typeof argument !== "object" || argument === null) return method;
  if (method === "call" && "kind" in argument) return `call ${String(argument.kind)}`;
  if (method === "run" && "program" in argument) return `run ${String(argument.program)}`;
  return method;
}

async function durationOf(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}
