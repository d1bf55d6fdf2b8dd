/** Console lines for the simulated box, sent over SSH as any person or program would. */
import type { Buffer } from "node:buffer";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";

/** How long one line may take, the connection included. */
const DEADLINE_MS = 300_000;

/** A simulated box on this machine, and the key that it takes from `admin`. */
export interface BoxAccess {
  readonly port: number;
  readonly keyFile: string;
}

/** Runs `line` on the console of a box and gives what it prints. @throws {Error} */
export async function runOnBox({ port, keyFile }: BoxAccess, line: string): Promise<string> {
  const privateKey = await Deno.readTextFile(keyFile);
  const client = new ssh2.Client();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const late = new Error(`the box did not answer within ${DEADLINE_MS} ms`);
      timer = setTimeout(() => reject(late), DEADLINE_MS);
      client.once("error", reject);
      client.once("close", () => reject(new Error("the box closed the connection")));
      client.once("ready", () => exec(client, line, resolve, reject));
      client.connect({ host: "127.0.0.1", port, username: "admin", privateKey });
    });
  } finally {
    clearTimeout(timer);
    client.end();
  }
}

function exec(
  client: ssh2.Client,
  line: string,
  resolve: (output: string) => void,
  reject: (error: Error) => void,
): void {
  client.exec(line, (error, channel) => {
    if (error !== undefined) return reject(error);
    const chunks: string[] = [];
    channel.setEncoding("utf8");
    channel.on("data", (text: Buffer | string) => chunks.push(String(text)));
    channel.on("close", () => resolve(chunks.join("")));
  });
}
