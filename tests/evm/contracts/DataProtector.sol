// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.29;

interface DatasetRegistry {
    function createDataset(address owner, string calldata name, bytes calldata multiaddr, bytes32 checksum)
        external
        returns (address);
}

/// A dataset together with the schema of what is in it.
contract DataProtector {
    DatasetRegistry private immutable registry;

    event DatasetSchema(address indexed dataset, string schema);

    constructor(DatasetRegistry registry_) {
        registry = registry_;
    }

    function createDatasetWithSchema(
        address owner,
        string calldata name,
        string calldata schema,
        bytes calldata multiaddr,
        bytes32 checksum
    ) external returns (address dataset) {
        dataset = registry.createDataset(owner, name, multiaddr, checksum);
        emit DatasetSchema(dataset, schema);
    }
}
