/** What layers.config.mjs asks of imports and calls beyond the rules that oxlint brings. */

const MANY_ARGUMENTS = /^(push|unshift|splice|concat|max|min|hypot|fromCharCode|fromCodePoint)$/;

/** Every module that a file names, to import, to export from it or to take a type of it, must match none of the patterns. */
const imports = {
  meta: { schema: false },
  create(context) {
    const patterns = (context.options[0] ?? []).map(({ regex, message }) => [
      new RegExp(regex, 'u'),
      message,
    ]);
    const check = ({ source }) => {
      if (source === null || source === undefined) return;
      const found = patterns.find(([regex]) => regex.test(source.value));
      if (found !== undefined) context.report({ node: source, message: found[1] });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      TSImportType: check,
    };
  },
};

/** A module loaded at run time escapes the check; those named in the options are asked for when they are needed. */
const noImportAtRunTime = {
  meta: { schema: false },
  create: (context) => ({
    ImportExpression(node) {
      if (!context.options.includes(node.source.value))
        context.report({ node, message: 'A module loaded at run time escapes the check of the layers.' });
    },
  }),
};

/** As arguments, a hundred thousand of whatever it is overflow the stack. */
const noSpreadOfMany = {
  create: (context) => ({
    CallExpression({ callee, arguments: given }) {
      if (callee.type !== 'MemberExpression' || !MANY_ARGUMENTS.test(callee.property.name)) return;
      const spread = given.find(({ type }) => type === 'SpreadElement');
      if (spread !== undefined)
        context.report({
          node: spread,
          message: 'A list spread into arguments overflows the stack when it is long: go over it.',
        });
    },
  }),
};

export default {
  meta: { name: 'layers' },
  rules: {
    imports,
    'no-import-at-run-time': noImportAtRunTime,
    'no-spread-of-many': noSpreadOfMany,
  },
};
