// npm run golden -- FOLDER [--device D] [--precision P] [--json F] [--without PASS]: runs every golden case below a folder through the library.
import { main } from './runner.js';

main(process.argv.slice(2), console.log).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  },
);
