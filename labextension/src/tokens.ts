/** The mime type of a drawing, as nbhitl's kernel side displays it. */
export const GRAPH_MIME = 'application/vnd.nbhitl.graph+json';

/** The version of the drawing's data that this extension understands. */
export const GRAPH_VERSION = 2;

/** The comm target that the kernel listens on once nbhitl is loaded there. */
export const COMM_TARGET = 'nbhitl';

/** Lower ranks win; image/svg+xml has 80, so the live drawing is preferred over its picture. */
export const RENDERER_RANK = 40;
