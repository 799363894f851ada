// What a machine says about the pages' JavaScript beyond its form (prettier) and its types (tsc).
import js from "@eslint/js";
import globals from "globals";

const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 60;

export default [
  { ignores: ["node_modules/", ".venv/", "var/", "docs/"] },
  js.configs.recommended,
  {
    files: ["gis_api/static/js/**/*.js"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["tests/js/**/*.js", "*.config.js"],
    ignores: ["tests/js/faults.js"],
    languageOptions: { globals: globals.node },
  },
  { files: ["tests/js/faults.js"], languageOptions: { globals: globals.browser } },
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-lines": ["error", { max: LONGEST_FILE }],
      "max-lines-per-function": ["error", { max: LONGEST_FUNCTION }],
      "no-implicit-globals": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
];
