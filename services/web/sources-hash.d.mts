export declare const built: string;
export declare function sourcesHash(): string;
export declare function isBuilt(): boolean;
