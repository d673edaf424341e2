/** How the TypeScript of the tests becomes JavaScript. */
exports.swcOptions = {
  jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
  module: { type: 'es6' },
  swcrc: false,
}

/** Returns whether the text is the URL of a TypeScript file that is not one of a package. */
exports.isOwnTypescript = (url) =>
  /^file:[^?]+\.ts(\?|$)/.test(url) && !url.includes('/node_modules/')
