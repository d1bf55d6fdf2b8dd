/** The worker for kernel calls without the rest of the program: it starts in a third of the time. */
import { serveKernelCalls } from "../../../src/adapters/children/worker_main.ts";

Deno.exit(serveKernelCalls());
