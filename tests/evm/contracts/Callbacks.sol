// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.29;

/// Remembers what it was told.
contract Keeper {
    mapping(bytes32 => bytes32) public told;

    function receiveResult(bytes32 task, bytes calldata result) external {
        told[task] = keccak256(result);
    }
}

/// Uses up whatever gas it is given.
contract Burner {
    function receiveResult(bytes32, bytes calldata) external pure {
        while (true) {}
    }
}

/// Refuses.
contract Refuser {
    function receiveResult(bytes32, bytes calldata) external pure {
        revert("refused");
    }
}
