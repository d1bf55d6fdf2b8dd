// @ts-types="@types/ssh2"
import type { ServerChannel } from "ssh2";
import type { CommandFault } from "../faults.ts";
import type { Session } from "../menu.ts";
import { classifyLine } from "./command_class.ts";
import type { CommandLog, CommandOutcome } from "./command_log.ts";
import type { FaultPlan } from "./fault_plan.ts";
import { aborted, type Latency, pause } from "./latency.ts";
import type { Link } from "./link.ts";
import { MAX_REPLY_BYTES, Reply } from "./reply.ts";

/** What a command may use while it runs. */
export interface Running {
  /** Adds to the output; lines end `\n`. */
  readonly print: (text: string) => void;
  /** Aborts when the command has to stop. */
  readonly signal: AbortSignal;
}

/** Runs one line of the console; tells whether it ended in an error (which it printed). */
export type RunLine = (line: string, session: Session, running: Running) => Promise<boolean>;

/** What a command does when its client goes away: run on to its end, or stop. */
export type OnDisconnect = "finish" | "abort";

/** The values of {@link OnDisconnect}, in the order they are shown. */
export const ON_DISCONNECT: readonly OnDisconnect[] = ["finish", "abort"];

/** The exit status when the simulator itself failed: a bug, never RouterOS's behaviour. */
const EXIT_STATUS_OF_A_BUG = 70;

/** What all commands of a server share. */
export interface ExecSettings {
  readonly runLine: RunLine;
  readonly plan: FaultPlan;
  readonly log: CommandLog;
  /** Asked for each command, as it can change while the server runs. */
  readonly latency: () => Latency;
  readonly onDisconnect: OnDisconnect;
  /** RouterOS ends with 0 also after an error. */
  readonly exitStatusOnError: 0 | 1;
}

/** One exec request. */
export interface ExecRequest {
  readonly line: string;
  readonly session: Session;
  readonly channel: ServerChannel;
  readonly link: Link;
  /** Aborts when the box goes down; stops every command. */
  readonly down: AbortSignal;
}

/** Runs the command of one exec request and answers it, as the fault planned for it says. */
export async function serveExec(request: ExecRequest, settings: ExecSettings): Promise<void> {
  const lineClass = classifyLine(request.line);
  const end = settings.log.begin(request.session.user, lineClass, request.line);
  const fault = settings.plan.strikeCommand(lineClass);
  const signals = signalsOf(request, settings.onDisconnect);
  const reply = new Reply(request.channel, limitOf(fault));
  let outcome: CommandOutcome = "not-run";
  try {
    if (await strikeBefore(fault, request, signals.gone)) return;
    await pause(settings.latency()[lineClass], signals.stop);
    outcome = "aborted";
    if (signals.stop.aborted) return;
    const exitStatus = await runLine(request, reply, signals.stop, settings);
    if (signals.stop.aborted) return;
    outcome = fault === undefined && !signals.gone.aborted ? "answered" : "reply-lost";
    await strikeAfter(fault, request, reply, exitStatus, signals.gone);
  } finally {
    end(outcome, reply.bytes);
  }
}

interface Signals {
  /** The client can no longer be answered. */
  readonly gone: AbortSignal;
  /** The command has to stop. */
  readonly stop: AbortSignal;
}

function signalsOf(request: ExecRequest, onDisconnect: OnDisconnect): Signals {
  const closed = new AbortController();
  request.channel.once("close", () => closed.abort());
  const gone = AbortSignal.any([closed.signal, request.link.gone, request.down]);
  return { gone, stop: onDisconnect === "abort" ? gone : request.down };
}

async function runLine(
  request: ExecRequest,
  reply: Reply,
  signal: AbortSignal,
  settings: ExecSettings,
): Promise<number> {
  try {
    const print = (text: string): void => reply.print(text);
    const failed = await settings.runLine(request.line, request.session, { print, signal });
    return failed ? settings.exitStatusOnError : 0;
  } catch (error) {
    if (signal.aborted) return 0;
    reply.print(`the simulator failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_STATUS_OF_A_BUG;
  }
}

/** Applies a fault that keeps the command from running; true when it did. */
async function strikeBefore(
  fault: CommandFault | undefined,
  request: ExecRequest,
  gone: AbortSignal,
): Promise<boolean> {
  switch (fault?.kind) {
    case "reset-before":
      request.link.reset();
      return true;
    case "half-open":
      request.link.freeze();
      return true;
    case "hang":
      await aborted(gone);
      return true;
    default:
      return false;
  }
}

/** Answers a command that ran, or does not, as the fault says. */
async function strikeAfter(
  fault: CommandFault | undefined,
  request: ExecRequest,
  reply: Reply,
  exitStatus: number,
  gone: AbortSignal,
): Promise<void> {
  switch (fault?.kind) {
    case "reset-after":
      return request.link.reset();
    case "reset-middle":
      reply.flush();
      return request.link.dropAfterSending();
    case "hang-after":
      return await aborted(gone);
    default:
      return reply.end(exitStatus);
  }
}

/** The bytes of the reply that arrive. */
function limitOf(fault: CommandFault | undefined): number {
  switch (fault?.kind) {
    case "reset-middle":
    case "truncate":
      return fault.afterBytes;
    case "reset-after":
    case "hang-after":
      return 0;
    default:
      return MAX_REPLY_BYTES;
  }
}
