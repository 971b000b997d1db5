// Runs before each test file. Where the tests run is no part of what they try: a build server that sets `CI`, or a
// person who wants no colours, must not change what the programs print that a test starts.
for (const name of ['CI', 'NO_COLOR', 'FORCE_COLOR', 'CLICOLOR', 'CLICOLOR_FORCE', 'NODE_OPTIONS']) {
  Reflect.deleteProperty(process.env, name);
}
