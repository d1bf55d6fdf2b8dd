import type { Socket } from "node:net";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
// @ts-types="@types/ssh2"
import type { AuthContext, ServerChannel, Session as SshSession } from "ssh2";
import type { Policy, Session } from "../menu.ts";
import { type Credentials, isProof, offeredMethods } from "./credentials.ts";
import { type ExecSettings, serveExec } from "./exec.ts";
import type { HostKey } from "./host_key.ts";
import type { Link } from "./link.ts";
import { DEFAULT_WIDTH, parseLoginName } from "./login_name.ts";

/** Somebody who may log in, when the policies include `ssh`. */
export interface Account {
  readonly policies: ReadonlySet<Policy>;
  readonly credentials: Credentials;
}

/** What the connections of a server share. */
export interface ConnectionSettings extends ExecSettings {
  /** The account of a user, or undefined when there is no such user. */
  readonly accountOf: (user: string) => Account | undefined;
  /** Commands at the same time on one connection; more are refused. */
  readonly commandsPerConnection: number;
}

/** RouterOS calls itself this. */
const SERVER_IDENTITY = "ROSSSH";

/** A client that has not logged in by then is dropped. */
const LOGIN_DEADLINE_MS = 30_000;

/** ssh2 would ask silent clients for signs of life; RouterOS does not, so as seldom as it can. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SHELL_REFUSAL = [
  "This is a simulator of a RouterOS console without an interactive shell.",
  "Give the command on the command line, for example:",
  "",
  "    ssh -p PORT admin@127.0.0.1 '/disk print'",
  "",
].join("\r\n");

/**
 * Speaks SSH on a socket until it closes. The tasks of its commands are handed to `track`, since
 * a command may outlive its connection.
 */
export function serveConnection(
  socket: Socket,
  link: Link,
  hostKey: HostKey,
  down: AbortSignal,
  settings: ConnectionSettings,
  track: (task: Promise<void>) => void,
): void {
  const grace = setTimeout(() => link.reset(), LOGIN_DEADLINE_MS);
  link.gone.addEventListener("abort", () => clearTimeout(grace), { once: true });
  const server = new ssh2.Server({
    hostKeys: [{ key: hostKey.privateKey }],
    ident: SERVER_IDENTITY,
    keepaliveInterval: LONGEST_TIMER_MS,
  }, (client) => {
    // Errors of a connection end it; the socket's `close` tells the link.
    client.on("error", () => {});
    const serving = new ServedClient(link, down, settings, track);
    client.on("authentication", (context) => serving.authenticate(context));
    client.on("ready", () => {
      clearTimeout(grace);
      settings.log.connections.logins += 1;
    });
    client.on("session", (accept, reject) => serving.openSession(accept, reject));
  });
  server.injectSocket(socket);
}

class ServedClient {
  readonly #link: Link;
  readonly #down: AbortSignal;
  readonly #settings: ConnectionSettings;
  readonly #track: (task: Promise<void>) => void;
  #session: Session | undefined;
  #commands = 0;

  constructor(
    link: Link,
    down: AbortSignal,
    settings: ConnectionSettings,
    track: (task: Promise<void>) => void,
  ) {
    this.#link = link;
    this.#down = down;
    this.#settings = settings;
    this.#track = track;
  }

  authenticate(context: AuthContext): void {
    const { user, width } = parseLoginName(context.username);
    const account = this.#settings.accountOf(user);
    if (!account?.policies.has("ssh") || !isProof(context, account.credentials)) {
      if (context.method !== "none") this.#settings.log.connections.loginFailures += 1;
      return context.reject(offeredMethods(account?.credentials));
    }
    this.#session = { user, policies: account.policies, width: width ?? DEFAULT_WIDTH };
    context.accept();
  }

  openSession(accept: () => SshSession, reject: () => void): void {
    if (this.#isBusy()) return reject();
    const session = accept();
    let columns: number | undefined;
    // A person's `ssh -t` and some libraries ask for a terminal, also for a single command.
    session.on("pty", (acceptTerminal, _refuse, { cols }) => {
      columns = cols > 0 ? cols : undefined;
      acceptTerminal();
    });
    session.on("shell", (acceptShell) => refuseShell(acceptShell()));
    session.on("exec", (acceptExec, refuse, info) => {
      const who = this.#session;
      if (who === undefined || this.#isBusy()) return refuse();
      this.#exec(acceptExec(), info.command, { ...who, width: columns ?? who.width });
    });
  }

  #isBusy(): boolean {
    return this.#commands >= this.#settings.commandsPerConnection;
  }

  #exec(channel: ServerChannel, line: string, session: Session): void {
    channel.on("error", () => {});
    channel.resume();
    this.#commands += 1;
    const request = { line, session, channel, link: this.#link, down: this.#down };
    this.#track(
      serveExec(request, this.#settings).finally(() => {
        this.#commands -= 1;
      }),
    );
  }
}

function refuseShell(channel: ServerChannel): void {
  channel.on("error", () => {});
  channel.resume();
  channel.write(SHELL_REFUSAL);
  channel.exit(1);
  channel.end();
}
