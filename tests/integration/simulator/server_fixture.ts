/** An SSH server over a console of four words, so that its tests need neither box nor language. */
import type { Policy } from "../../../src/simulator/menu.ts";
import { CommandLog } from "../../../src/simulator/server/command_log.ts";
import type { RunLine } from "../../../src/simulator/server/exec.ts";
import { FaultPlan } from "../../../src/simulator/server/fault_plan.ts";
import { newHostKey } from "../../../src/simulator/server/host_key.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { type Latency, NO_LATENCY, pause } from "../../../src/simulator/server/latency.ts";
import { parseAuthorizedKeys } from "../../../src/simulator/server/credentials.ts";
import { SshServer, type SshServerOptions } from "../../../src/simulator/server/ssh_server.ts";
import { SshConnection, until } from "./ssh_client.ts";

const CLIENT_KEY = generateKeyPair("ed25519", "test");
const FULL: ReadonlySet<Policy> = new Set<Policy>(["ssh", "read", "write"]);

/** A server, what it did, and how to log in. */
export class ServerFixture implements AsyncDisposable {
  readonly server: SshServer;
  readonly plan: FaultPlan;
  readonly log: CommandLog;
  /** The lines that ran to their end. */
  readonly ran: string[];
  latency: Latency = NO_LATENCY;

  private constructor(server: SshServer, plan: FaultPlan, log: CommandLog, ran: string[]) {
    this.server = server;
    this.plan = plan;
    this.log = log;
    this.ran = ran;
  }

  /** Starts a server; `changes` replace its settings. */
  static async start(changes: Partial<SshServerOptions> = {}): Promise<ServerFixture> {
    const plan = new FaultPlan();
    const log = new CommandLog(() => performance.now());
    const ran: string[] = [];
    const fixture: { current: ServerFixture | undefined } = { current: undefined };
    const server = await SshServer.start({
      host: "127.0.0.1",
      port: 0,
      hostKey: newHostKey("ed25519"),
      maxSessions: 20,
      commandsPerConnection: 8,
      accountOf: (user) => user === "admin" ? accountWithKey(CLIENT_KEY.publicLine) : undefined,
      runLine: consoleOf(ran),
      plan,
      log,
      latency: () => fixture.current?.latency ?? NO_LATENCY,
      onDisconnect: "finish",
      exitStatusOnError: 0,
      ...changes,
    });
    fixture.current = new ServerFixture(server, plan, log, ran);
    return fixture.current;
  }

  /** Logs in as `username`, with the key that is authorized. */
  connect(username = "admin"): Promise<SshConnection> {
    return SshConnection.open({
      port: this.server.port,
      username,
      privateKey: CLIENT_KEY.privateText,
    });
  }

  /** Waits until `condition` holds; for what a client cannot see. */
  async until(condition: (fixture: ServerFixture) => boolean): Promise<void> {
    await until(() => condition(this));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** An account that logs in with a public key and nothing else. */
export function accountWithKey(
  publicLine: string,
): NonNullable<ReturnType<SshServerOptions["accountOf"]>> {
  return {
    policies: FULL,
    credentials: {
      authorizedKeys: parseAuthorizedKeys(publicLine, "test"),
      password: undefined,
      passwordAuthentication: "yes-if-no-key",
    },
  };
}

/**
 * `say X` prints X; `repeat N` prints 16 characters N times; `width` prints the session's; `wait N` takes N milliseconds and stops when
 * told to; `fail` prints an error; anything else prints itself.
 */
function consoleOf(ran: string[]): RunLine {
  return async (line, session, { print, signal }) => {
    const [word, ...rest] = line.split(" ");
    if (word === "say") print(`${rest.join(" ").replaceAll("|", "\n")}\n`);
    else if (word === "repeat") print("0123456789abcdef".repeat(Number(rest[0])));
    else if (word === "width") print(`${session.user} ${session.width}\n`);
    else if (word === "wait") await pause(Number(rest[0]), signal);
    else print(`${line}\n`);
    if (!signal.aborted) ran.push(line);
    return word === "fail";
  };
}
