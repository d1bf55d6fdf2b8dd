/**
 * csi-sanity over the shipped processes: how one run is set up, and what came of it. The suite
 * itself is the official one, unchanged; what differs from run to run is what the box does to us.
 */
import { join } from "node:path";
import { SimulatorControl } from "../../src/simulator/control/client.ts";
import { startTrial } from "../../tools/trial/processes.ts";
import type { Trial } from "../../tools/trial/processes.ts";
import { RestartHook } from "./restart_hook_server.ts";

/** One run of the whole suite. */
export interface SanityRun {
  readonly name: string;
  /** What makes this run different, in words. */
  readonly about: string;
  readonly simulatorFlags: readonly string[];
  /** Whether the controller is killed and started again before each spec. */
  readonly restartsController: boolean;
  /** How often something must have got in the way for the run to prove anything. */
  readonly disturbancesMin: number;
  readonly accessType: "mount" | "block";
}

/** What csi-sanity reported. */
export interface SanityResult {
  readonly passed: number;
  readonly failed: number;
  /** The names of the specs that did not run. */
  readonly skipped: readonly string[];
  /** The names of the specs that failed, with the end of what each said. */
  readonly failures: readonly string[];
  /** What the simulator saw that would lose data on a real box. */
  readonly violations: readonly string[];
  /** Files left below our base path when everything was over. */
  readonly leftFiles: readonly string[];
  /** How often the box or we got in the way; a run that is to be disturbed must have been. */
  readonly disturbances: number;
  readonly durationMs: number;
}

/** The runs, in the order they are made. */
export const SANITY_RUNS: readonly SanityRun[] = [
  {
    name: "plain",
    about: "nothing in the way",
    simulatorFlags: [],
    restartsController: false,
    disturbancesMin: 0,
    accessType: "mount",
  },
  {
    name: "block",
    about: "raw block volumes, slots of 32 characters, the other wordings of errors",
    simulatorFlags: ["--slot-limit", "32", "--wordings", "alternate"],
    restartsController: false,
    disturbancesMin: 0,
    accessType: "block",
  },
  {
    name: "latency",
    about: "every command takes 50 ms",
    simulatorFlags: ["--latency", "read=50,add=50,change=50,remove=50"],
    restartsController: false,
    disturbancesMin: 0,
    accessType: "mount",
  },
  {
    name: "restarts",
    about: "the controller is killed and started again before every spec",
    simulatorFlags: [],
    restartsController: true,
    disturbancesMin: 88,
    accessType: "mount",
  },
  {
    name: "lost replies",
    about: "1 % of the commands are carried out and their reply is lost",
    simulatorFlags: ["--lose-replies", "1%", "--seed", "7"],
    restartsController: false,
    disturbancesMin: 3,
    accessType: "mount",
  },
];

const GIB = 1024 ** 3;

/** Runs the whole suite once in a directory of its own, which it leaves behind. */
export async function runSanity(
  binary: string,
  run: SanityRun,
  directory: string,
): Promise<SanityResult> {
  const startedMs = performance.now();
  await using trial = await startTrial({ directory, simulatorFlags: run.simulatorFlags });
  await using control = await SimulatorControl.connect(trial.simulator.controlSocket);
  await using hook = run.restartsController ? await RestartHook.start(trial) : undefined;
  const junitFile = join(directory, "junit.xml");
  const flags = await flagsOf(trial, run, junitFile, hook?.command);
  const { stdout, stderr } = await new Deno.Command(binary, {
    args: flags,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const log = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  await Deno.writeTextFile(join(directory, "csi-sanity.log"), log);
  const report = parseJunit(await Deno.readTextFile(junitFile));
  const violations = await control.violations();
  const { struck } = await control.status();
  return {
    ...report,
    violations: violations.map(({ kind, detail }) => `${kind}: ${detail}`),
    leftFiles: await trial.filesOnBox(),
    disturbances: (hook?.restarts ?? 0) + (struck["lose-replies"] ?? 0),
    durationMs: performance.now() - startedMs,
  };
}

async function flagsOf(
  trial: Trial,
  run: SanityRun,
  junitFile: string,
  hook: string | undefined,
): Promise<string[]> {
  const mutable = join(trial.directory, "mutable.yaml");
  await Deno.writeTextFile(mutable, `reconnectDelay: "7"\n`);
  return [
    `-csi.endpoint=unix://${trial.nodeSocket}`,
    `-csi.controllerendpoint=unix://${trial.controllerSocket}`,
    `-csi.mountdir=${join(trial.directory, "mount")}`,
    `-csi.stagingdir=${join(trial.directory, "staging")}`,
    `-csi.testvolumesize=${GIB}`,
    `-csi.testvolumeexpandsize=${2 * GIB}`,
    `-csi.testvolumeaccesstype=${run.accessType}`,
    `-csi.testvolumemutableparameters=${mutable}`,
    `-csi.junitfile=${junitFile}`,
    ...(hook === undefined
      ? []
      : [`-csi.createstagingpathcmd=${hook}`, "-csi.createpathcmdtimeout=60s"]),
    "-ginkgo.randomize-all",
    "-ginkgo.seed=11",
  ];
}

/** Reads the report that csi-sanity writes; it is XML of a fixed, flat shape. */
export function parseJunit(
  xml: string,
): Pick<SanityResult, "passed" | "failed" | "skipped" | "failures"> {
  const skipped: string[] = [];
  const failures: string[] = [];
  let passed = 0;
  for (const [, attributes = "", body = ""] of xml.matchAll(CASE)) {
    const name = unescapeXml(/ name="([^"]*)"/.exec(` ${attributes}`)?.[1] ?? "");
    const status = / status="([^"]*)"/.exec(` ${attributes}`)?.[1];
    if (!name.startsWith("[It]")) continue;
    if (status === "passed") passed++;
    else if (status === "skipped" || status === "pending") skipped.push(name.slice(5));
    else {failures.push(
        `${name.slice(5)}: ${unescapeXml(/message="([^"]*)"/.exec(body)?.[1] ?? "")}`,
      );}
  }
  return { passed, failed: failures.length, skipped: skipped.sort(), failures };
}

const CASE = /<testcase ([^>]*[^/])>([\s\S]*?)<\/testcase>/g;

function unescapeXml(text: string): string {
  return text.replaceAll("&#34;", '"').replaceAll("&quot;", '"').replaceAll("&#39;", "'")
    .replaceAll("&#xA;", " ").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
