export { Bucket } from './environment.js';
export { bucketEpisodes, recordThrows } from './episodes.js';
