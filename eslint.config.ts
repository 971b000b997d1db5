/** The rules about layers, under the name by which editors find them; .oxlintrc.json has all others. */
export { default } from './layers.config.js';
