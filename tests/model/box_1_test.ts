/** A current box; two files, because files are what can be tested side by side. */
import { testBox } from "./box_exploration.ts";

testBox("box-1", { copies: "cow", strategy: "auto", box: {} }, 0.4);
