/** `npm run generate`: writes the JSON Schema and the reference page anew. */
import { writeFileSync } from 'node:fs';
import { jsonSchemaText, referencePage } from './reference.ts';

// Run from the repository's root, as npm does.
writeFileSync('schema/evenkeel.schema.json', jsonSchemaText());
writeFileSync('docs/config.md', referencePage());
