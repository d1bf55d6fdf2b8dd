/** The mount adapters keep their contracts over real devices, mounts and file systems. */
import { testFileSystemsContract } from "../../contract/file_systems.ts";
import { testMounterContract } from "../../contract/mounter.ts";
import { hostTest, whyNotHere } from "../machine.ts";
import { MISSING, openLinuxNode } from "./linux_node.ts";

if (whyNotHere() === undefined) {
  testMounterContract("Linux", openLinuxNode, MISSING);
  testFileSystemsContract("Linux", openLinuxNode, MISSING);
} else hostTest("Mounter and FileSystems over Linux keep their contracts", () => Promise.resolve());
