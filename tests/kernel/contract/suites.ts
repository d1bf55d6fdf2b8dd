/**
 * Run inside a machine of the laboratory, by the scenario `contract`: the contracts of the node's
 * ports over the real adapters and the real kernel, and what only a real kernel can show.
 */
import { testFileSystemsContract } from "../../contract/file_systems.ts";
import { testMounterContract } from "../../contract/mounter.ts";
import { testNvmeHostContract } from "../../contract/nvme_host.ts";
import { openKernelNode } from "./kernel_node.ts";
import "./openers_clauses.ts";

testNvmeHostContract("this kernel", openKernelNode);
testMounterContract("this kernel", openKernelNode);
testFileSystemsContract("this kernel", openKernelNode);
