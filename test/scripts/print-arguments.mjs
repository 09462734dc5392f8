/** An entry for the test of launching: says in which process it runs and with what. */
console.log(process.pid, ...process.argv.slice(2));
